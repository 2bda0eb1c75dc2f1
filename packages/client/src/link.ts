import { waitMs } from './backoff.ts';
import type { Backoff } from './backoff.ts';
import { Connection } from './connection.ts';
import type { Announcement, ConnectionEnd } from './connection.ts';
import type { Credential, CredentialSource } from './credentials.ts';
import { errorOfClose, PosternError, trouble } from './errors.ts';
import type { WelcomeMessage } from './protocol/messages.ts';
import type { SocketConstructor } from './socket.ts';
import type { ClientState, OpenState } from './state.ts';
import { verdictOn } from './verdict.ts';
import type { Verdict } from './verdict.ts';

/** A connection that was open for longer counts as a success: what follows begins with short waits again. */
const STABLE_MS = 5_000;

/** What a link tells of itself. */
export interface LinkEvents {
  readonly onState: (state: ClientState) => void;
  /** A session has begun: what is wanted can be said. */
  readonly onOpen: (connection: Connection, welcome: WelcomeMessage) => void;
  /** It has ended; whoever waits for a reply was told so before. */
  readonly onLost: () => void;
  /** No other will begin by itself. */
  readonly onStop: (error: PosternError) => void;
  readonly onAnnouncement: (announcement: Announcement) => void;
}

/** What a link is built from. */
export interface LinkParts {
  readonly source: CredentialSource;
  readonly Socket: SocketConstructor;
  /** Takes turns with it: after two refusals of which nothing is known the other is tried. */
  readonly Other: SocketConstructor | undefined;
  readonly backoff: Partial<Backoff>;
  readonly events: LinkEvents;
}

/** Keeps a connection: gets credentials for it, renews them, and comes back as the failure table says. */
export class Link {
  readonly #parts: LinkParts;
  #state: ClientState = { name: 'idle' };
  #connection: Connection | undefined;
  #triesOther = false;
  #failures = 0;
  #refusals = 0;
  #openSinceMs = 0;
  /** Whom the first session was of; undefined before that. */
  #identity: Pick<OpenState, 'user'> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Whoever answers to an older one is too late. */
  #turn = 0;

  constructor(parts: LinkParts) {
    this.#parts = parts;
  }

  get state(): ClientState {
    return this.#state;
  }

  /** Connects, if nothing is under way; after a stop as if nothing had been before. */
  start(): void {
    const { name } = this.#state;
    if (name === 'idle' || name === 'stopped' || name === 'waiting') this.#connect();
  }

  /** Something may have changed: looks whether the connection lives, and waits no longer than at a first failure. */
  wake(): void {
    this.#connection?.probe();
    const state = this.#state;
    if (state.name !== 'waiting') return;
    const ms = waitMs(0, this.#parts.backoff);
    if (Date.now() + ms < state.retryAt) this.#wait(state.error, ms);
  }

  /** For good. */
  close(): void {
    this.#leave();
    this.#become({ name: 'closed' });
    this.#parts.events.onStop(trouble('closed'));
  }

  #connect(error?: PosternError): void {
    const isCurrent = this.#turnOver();
    this.#become({ name: 'connecting', attempt: this.#failures, error });
    this.#parts.source.get((credential) => {
      if (!isCurrent()) return;
      if (credential instanceof PosternError) this.#failed(credential);
      else this.#open(credential);
    });
  }

  /** Ends whatever is awaited. Returns whether that is still so of what is awaited next. */
  #turnOver(): () => boolean {
    clearTimeout(this.#timer);
    this.#turn += 1;
    const turn = this.#turn;
    return () => turn === this.#turn;
  }

  #open(credential: Credential): void {
    const { Socket, Other = Socket, events } = this.#parts;
    try {
      const connection = new Connection(this.#triesOther ? Other : Socket, credential, {
        onWelcome: (welcome) => this.#welcome(connection, welcome),
        onAnnouncement: (said) => {
          if (said.type === 'expiring') this.#renew(connection);
          else if (said.type === 'status') this.#update({ database: said.database });
          else events.onAnnouncement(said);
        },
        onEnd: (end) => this.#ended(end, credential),
      });
      this.#connection = connection;
    } catch (cause) {
      this.#stop(trouble('bad_address', { cause }));
    }
  }

  #welcome(connection: Connection, welcome: WelcomeMessage): void {
    const { session, user, channels, expiresAt, serverTime } = welcome;
    // A stream of events is welcome before the gateway was asked, and then it is nobody's session yet.
    const isKnown = session !== '';
    if (isKnown && this.#identity !== undefined && this.#identity.user !== user) {
      // What is on the page, and what waits to be published, is somebody else's: none of it is said in the new name.
      this.#leave();
      return this.#stop(errorOfClose(4501, 'Identity changed'));
    }
    if (isKnown) this.#identity = { user };
    this.#lasts(expiresAt, serverTime);
    if (this.#state.name === 'open') return this.#update({ session, user, channels, expiresAt });
    const { events } = this.#parts;
    this.#refusals = 0;
    this.#openSinceMs = Date.now();
    this.#become({ name: 'open', session, user, expiresAt, channels, database: 'up' });
    events.onOpen(connection, welcome);
  }

  /** Shows a new token in time. If that fails the session ends with the one it has, and the client comes back by another. */
  #renew(connection: Connection): void {
    const { source } = this.#parts;
    const turn = this.#turn;
    const state = this.#state;
    if (state.name !== 'open') return;
    source.renew(state.session, (token) => {
      if (turn !== this.#turn || token instanceof PosternError) return;
      connection.say({ type: 'auth', token }, (reply) => {
        if (reply?.type !== 'ok') return;
        const { expiresAt, channels = state.channels } = reply;
        this.#lasts(expiresAt, Date.now() / 1000);
        this.#update({ expiresAt, channels });
      });
    });
  }

  #ended(end: ConnectionEnd, credential: Credential): void {
    const { source, Other, events } = this.#parts;
    // Closed by one of those who were told that no reply comes.
    if (this.#connection === undefined) return;
    const isCurrent = this.#turnOver();
    this.#connection = undefined;
    if (end.stage !== 'welcomed') this.#refusals += 1;
    else {
      if (Date.now() - this.#openSinceMs > STABLE_MS) this.#failures = 0;
      events.onLost();
    }
    const { next, error } = verdictOn(end, {
      refusals: this.#refusals,
      canAskWhy: source.whyRefused !== undefined,
      hasOther: Other !== undefined,
    });
    // The other one cannot be reached either: WebSocket was not to blame.
    if (end.stage === 'waiting' && error.code === 'connection_lost') this.#triesOther = false;
    if (error.retry !== 'yes') source.endsAt(0);
    if (next !== 'ask why') return this.#follow(next, error);
    source.whyRefused?.(credential, (why = trouble('cookie_blocked')) => {
      if (!isCurrent()) return;
      if (why.code === 'websocket_blocked') this.#follow('other socket', why);
      else this.#failed(why);
    });
  }

  #follow(next: Verdict['next'], error: PosternError): void {
    if (next === 'stop') return this.#stop(error);
    if (next === 'at once') return this.#connect(error);
    if (next === 'other socket') {
      this.#triesOther = !this.#triesOther;
      this.#refusals = 0;
    }
    this.#wait(error, waitMs(this.#failures, this.#parts.backoff));
    this.#failures += 1;
  }

  /** There is no credential, or a reason why it is refused. A new one is no remedy for that. */
  #failed(error: PosternError): void {
    this.#follow(error.retry === 'yes' ? 'later' : 'stop', error);
  }

  #wait(error: PosternError, ms: number): void {
    this.#turnOver();
    this.#timer = setTimeout(() => this.#connect(error), ms);
    this.#become({ name: 'waiting', attempt: this.#failures, retryAt: Date.now() + ms, error });
  }

  /** Until `start`, which begins anew. */
  #stop(error: PosternError): void {
    this.#failures = 0;
    this.#refusals = 0;
    this.#identity = undefined;
    this.#become({ name: 'stopped', error });
    this.#parts.events.onStop(error);
  }

  #leave(): void {
    this.#turnOver();
    this.#connection?.leave();
    this.#connection = undefined;
    this.#parts.events.onLost();
  }

  /** By the gateway's clock; ours may be wrong. */
  #lasts(expiresAt = Infinity, serverTime: number): void {
    this.#parts.source.endsAt(Date.now() + (expiresAt - serverTime) * 1000);
  }

  #update(news: Partial<OpenState>): void {
    if (this.#state.name === 'open') this.#become({ ...this.#state, ...news });
  }

  #become(state: ClientState): void {
    this.#state = state;
    this.#parts.events.onState(state);
  }
}
