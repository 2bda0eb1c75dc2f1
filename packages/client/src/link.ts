import { waitMs } from './backoff.ts';
import type { Backoff } from './backoff.ts';
import { Connection } from './connection.ts';
import type { Announcement, ConnectionEnd } from './connection.ts';
import type { Credential, CredentialSource } from './credentials.ts';
import { errorOfClose, PosternError, trouble } from './errors.ts';
import type { ExpiringMessage, WelcomeMessage } from './protocol/messages.ts';
import { renew } from './renewal.ts';
import type { SocketConstructor } from './socket.ts';
import type { ClientState, OpenState, UserChange } from './state.ts';
import { verdictOn } from './verdict.ts';
import type { Verdict } from './verdict.ts';

/** A connection that was open for longer counts as a success: what follows begins with short waits again. */
const STABLE_MS = 5_000;

/** What a link tells of itself. */
export interface LinkEvents {
  readonly onState: (state: ClientState) => void;
  readonly onUser: (change: UserChange) => void;
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
  /** The first is used; after two refusals of which nothing is known the next one, round and round. */
  readonly sockets: readonly SocketConstructor[];
  readonly backoff: Backoff;
  readonly events: LinkEvents;
}

/** Keeps a connection: gets credentials for it, renews them, and comes back as the failure table says. */
export class Link {
  readonly #parts: LinkParts;
  #state: ClientState = { name: 'idle' };
  #connection: Connection | undefined;
  #socket = 0;
  #failures = 0;
  #refusals = 0;
  #openSinceMs = 0;
  /** Whom the first session was of; undefined before that. */
  #identity: { readonly user: string | undefined } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Whoever answers to an older one is too late. */
  #turn = 0;

  constructor(parts: LinkParts) {
    this.#parts = parts;
  }

  get state(): ClientState {
    return this.#state;
  }

  /** Undefined unless it is open. */
  get connection(): Connection | undefined {
    return this.#state.name === 'open' ? this.#connection : undefined;
  }

  /** Connects, if nothing is under way; after a stop as if nothing had been before. */
  start(): void {
    const { name } = this.#state;
    if (name === 'stopped') {
      this.#failures = 0;
      this.#refusals = 0;
      this.#identity = undefined;
    }
    if (name === 'idle' || name === 'stopped' || name === 'waiting') this.#connect();
  }

  /** The network is back, or somebody looks at the page again: waits no longer than at a first failure, or looks whether the connection lives. */
  wake(): void {
    this.#connection?.probe();
    const state = this.#state;
    if (state.name !== 'waiting') return;
    const wait = waitMs(0, this.#parts.backoff);
    if (Date.now() + wait < state.retryAt) this.#wait(state.error, wait);
  }

  /** For good. */
  close(): void {
    if (this.#state.name === 'closed') return;
    this.#leave();
    this.#become({ name: 'closed' });
    this.#parts.events.onStop(trouble('closed'));
  }

  #connect(): void {
    clearTimeout(this.#timer);
    this.#turn += 1;
    const turn = this.#turn;
    this.#become({ name: 'connecting', attempt: this.#failures });
    this.#parts.source.get((credential) => {
      if (turn !== this.#turn) return;
      if (credential instanceof PosternError) this.#failed(credential);
      else this.#open(credential, turn);
    });
  }

  #open(credential: Credential, turn: number): void {
    const Socket = this.#parts.sockets[this.#socket % this.#parts.sockets.length];
    if (Socket === undefined) return;
    try {
      this.#connection = new Connection(Socket, credential, {
        onWelcome: (welcome) => this.#welcome(welcome),
        onAnnouncement: (announcement) => this.#hear(announcement),
        onEnd: (end) => this.#ended(end, credential, turn),
      });
    } catch (cause) {
      this.#stop(trouble('bad_address', cause));
    }
  }

  #welcome(welcome: WelcomeMessage): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    const isUpdate = this.#state.name === 'open';
    const { session, user, channels, expiresAt, serverTime } = welcome;
    if (this.#identity !== undefined && this.#identity.user !== user && !isUpdate) {
      this.#changeUser({ from: this.#identity.user, to: user });
      return;
    }
    this.#identity = { user };
    this.#refusals = 0;
    this.#openSinceMs = isUpdate ? this.#openSinceMs : Date.now();
    this.#lasts(expiresAt, serverTime);
    this.#become({ name: 'open', session, user, expiresAt, channels, database: 'up' });
    if (!isUpdate) this.#parts.events.onOpen(connection, welcome);
  }

  /** What is on the page, and what waits to be published, is of somebody else: nothing of it is said in the name of the new one. */
  #changeUser(change: UserChange): void {
    this.#leave();
    this.#parts.events.onUser(change);
    this.#stop(errorOfClose(4501, ''));
  }

  #hear(announcement: Announcement): void {
    const state = this.#state;
    if (state.name === 'open' && announcement.type === 'status')
      this.#become({ ...state, database: announcement.database });
    else if (state.name === 'open' && announcement.type === 'expiring') this.#renew(announcement);
    else this.#parts.events.onAnnouncement(announcement);
  }

  #renew({ seconds }: ExpiringMessage): void {
    const { connection } = this;
    const state = this.#state;
    if (connection === undefined || state.name !== 'open') return;
    renew({
      connection,
      seconds,
      ask: (answer) => this.#parts.source.renew(state.session, answer),
      isOver: () => this.connection !== connection,
      onRenewed: ({ expiresAt, channels }) => {
        const now: OpenState = this.#state.name === 'open' ? this.#state : state;
        this.#lasts(expiresAt, Date.now() / 1000);
        this.#become({ ...now, expiresAt, channels: channels ?? now.channels });
      },
    });
  }

  #ended(end: ConnectionEnd, credential: Credential, turn: number): void {
    const { source, sockets, events } = this.#parts;
    this.#connection = undefined;
    if (Date.now() - this.#openSinceMs > STABLE_MS && end.stage === 'welcomed') this.#failures = 0;
    if (end.stage === 'welcomed') events.onLost();
    else this.#refusals += 1;
    const past = {
      refusals: this.#refusals,
      canAskWhy: source.whyRefused !== undefined,
      hasOther: sockets.length > 1,
    };
    const verdict = verdictOn(end, past);
    // A refusal that says nothing may have been for the credential.
    if (verdict.error.retry === 'new-token' || end.stage === 'opening') source.endsAt(0);
    if (verdict.next === 'ask why') {
      this.#askWhy(credential, turn);
      return;
    }
    this.#follow(verdict);
  }

  #askWhy(credential: Credential, turn: number): void {
    this.#parts.source.whyRefused?.(credential, (error) => {
      if (turn !== this.#turn) return;
      if (error?.code === 'websocket_blocked') this.#follow({ next: 'other socket', error });
      else this.#failed(error ?? trouble('cookie_blocked'));
    });
  }

  #follow({ next, error }: Verdict): void {
    if (next === 'stop') this.#stop(error);
    else if (next === 'at once') this.#connect();
    else {
      if (next === 'other socket') {
        this.#socket += 1;
        this.#refusals = 0;
      }
      this.#wait(error, waitMs(this.#failures, this.#parts.backoff));
      this.#failures += 1;
    }
  }

  /** There is no credential, or a reason why it is refused. A new one is no remedy for that. */
  #failed(error: PosternError): void {
    this.#follow({ next: error.retry === 'yes' ? 'later' : 'stop', error });
  }

  #wait(error: PosternError, ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), ms);
    this.#become({ name: 'waiting', attempt: this.#failures, retryAt: Date.now() + ms, error });
  }

  #stop(error: PosternError): void {
    this.#become({ name: 'stopped', error });
    this.#parts.events.onStop(error);
  }

  #leave(): void {
    clearTimeout(this.#timer);
    this.#turn += 1;
    const wasOpen = this.#state.name === 'open';
    this.#connection?.leave();
    this.#connection = undefined;
    if (wasOpen) this.#parts.events.onLost();
  }

  /** By the gateway's clock; ours may be wrong. */
  #lasts(expiresAt: number | undefined, serverTime: number): void {
    const ms = expiresAt === undefined ? Infinity : (expiresAt - serverTime) * 1000;
    this.#parts.source.endsAt(Date.now() + ms);
  }

  #become(state: ClientState): void {
    this.#state = state;
    this.#parts.events.onState(state);
  }
}
