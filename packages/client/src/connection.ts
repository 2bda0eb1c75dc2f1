import type { Credential } from './credentials.ts';
import { parseObject } from './json.ts';
import type { Command, GatewayMessage, Reply, WelcomeMessage } from './protocol/messages.ts';
import type { SocketClose, SocketConstructor, SocketLike, SocketMessage } from './socket.ts';

/** How long it may take until the `welcome` is there, in milliseconds. */
const WELCOME_MS = 20_000;

/** How long the answer to a `ping` may take, in milliseconds. */
const PONG_MS = 10_000;

/** What broke without a word, for browsers and for us (RFC 6455 §7.1.5). */
const ABNORMAL = 1006;

/** What the gateway says that answers no command. */
export type Announcement = Exclude<GatewayMessage, Reply | WelcomeMessage>;

/** A command, but for its `id`. */
export type Wish = {
  [Type in Command['type']]: Omit<Extract<Command, { readonly type: Type }>, 'id'>;
}[Command['type']];

/** Is told what answers a command; undefined: nothing will. */
export type OnReply = (reply: Reply | undefined) => void;

/** What a connection tells its owner. */
export interface ConnectionEvents {
  /** A stream that stands in for a socket may say it again, when it knows more. */
  readonly onWelcome: (welcome: WelcomeMessage) => void;
  readonly onAnnouncement: (announcement: Announcement) => void;
  /** Once; nothing follows. */
  readonly onEnd: (end: ConnectionEnd) => void;
}

/** How a connection ended. */
export interface ConnectionEnd extends SocketClose {
  /** How far it had come: a handshake that is refused never opens. */
  readonly stage: 'opening' | 'waiting' | 'welcomed';
}

/** One WebSocket, from its handshake to its end: commands and their replies, and whether it is alive. */
export class Connection {
  readonly #socket: SocketLike;
  readonly #events: ConnectionEvents;
  #stage: ConnectionEnd['stage'] | 'ended' = 'opening';
  #lastId = 0;
  #awaited: Record<number, OnReply> = {};
  /** Whether anything came since the last look. */
  #isHeard = false;
  #patience: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;

  /** @throws whatever the socket's constructor does: the address cannot be used. */
  constructor(
    Socket: SocketConstructor,
    { url, protocols, token }: Credential,
    events: ConnectionEvents,
  ) {
    this.#events = events;
    this.#socket = new Socket(url, protocols.slice());
    this.#socket.onopen = () => {
      this.#stage = 'waiting';
      if (token !== undefined) this.say({ type: 'auth', token }, () => undefined);
    };
    this.#socket.onmessage = (event: SocketMessage) => this.#receive(event.data);
    this.#socket.onclose = ({ code, reason }: SocketClose) => this.#end(code, reason);
    // A close follows, and says all that there is; without a listener `ws` would throw.
    this.#socket.onerror = () => undefined;
    this.#expect(WELCOME_MS);
  }

  /** Whether what is said to it can be answered. */
  get isOpen(): boolean {
    return this.#stage === 'welcomed';
  }

  /** Says a command, which gets its `id` here. */
  say(command: Wish, onReply: OnReply): void {
    this.sayText(JSON.stringify(command), onReply);
  }

  /** Says a command that is JSON already. */
  sayText(json: string, onReply: OnReply): void {
    this.#lastId += 1;
    this.#awaited[this.#lastId] = onReply;
    this.#socket.send(`{"id":${this.#lastId},${json.slice(1)}`);
  }

  /** Asks for a sign of life, and takes the connection for lost when none comes. */
  probe(): void {
    if (this.#stage !== 'welcomed' || this.#patience !== undefined) return;
    this.say({ type: 'ping' }, () => undefined);
    this.#expect(PONG_MS);
  }

  /** Leaves. The owner is told nothing any more; whoever waits for a reply is told that none comes. */
  leave(): void {
    this.#finish();
    this.#socket.close(1000);
  }

  #receive(data: unknown): void {
    this.#isHeard = true;
    this.#expect(undefined);
    const message = parseObject<GatewayMessage>(data);
    if (message === undefined) {
      // No gateway says this. It is no use to go on with whoever does.
      this.#lose();
      return;
    }
    if (message.type === 'welcome') this.#welcome(message);
    else if (message.type === 'ok' || message.type === 'error' || message.type === 'pong') {
      const onReply = this.#awaited[message.id];
      delete this.#awaited[message.id];
      onReply?.(message);
    } else this.#events.onAnnouncement(message);
  }

  #welcome(welcome: WelcomeMessage): void {
    this.#stage = 'welcomed';
    clearInterval(this.#watch);
    this.#watch = setInterval(
      () => {
        if (!this.#isHeard) this.probe();
        this.#isHeard = false;
      },
      Math.max(1, welcome.pingSeconds || 30) * 1000,
    );
    this.#events.onWelcome(welcome);
  }

  /** Something has to come within this time; undefined: nothing has to. */
  #expect(ms: number | undefined): void {
    clearTimeout(this.#patience);
    this.#patience = ms === undefined ? undefined : setTimeout(() => this.#lose(), ms);
  }

  /** The other side is gone, whether it knows or not: the end of the socket itself may take minutes to come. */
  #lose(): void {
    this.#end(ABNORMAL, '');
    this.#socket.close();
  }

  #end(code: number, reason: string): void {
    const stage = this.#stage;
    if (stage === 'ended') return;
    this.#finish();
    this.#events.onEnd({ code, reason, stage });
  }

  #finish(): void {
    this.#stage = 'ended';
    this.#expect(undefined);
    clearInterval(this.#watch);
    this.#socket.onopen = null;
    this.#socket.onmessage = null;
    this.#socket.onclose = null;
    const awaited = this.#awaited;
    this.#awaited = {};
    Object.keys(awaited).forEach((id) => awaited[Number(id)]?.(undefined));
  }
}
