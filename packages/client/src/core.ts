import { addressesOf } from './address.ts';
import type { Answer } from './answer.ts';
import type { Backoff } from './backoff.ts';
import type { Connection } from './connection.ts';
import { complain, warn } from './console.ts';
import { trouble } from './errors.ts';
import type { SendRequest } from './http-request.ts';
import { Link } from './link.ts';
import { Listeners } from './listeners.ts';
import type { Report } from './listeners.ts';
import { preauthSource } from './preauth.ts';
import type { PreauthOptions } from './preauth.ts';
import { Publications } from './publications.ts';
import type { Published, Wanted } from './publications.ts';
import type { SocketConstructor } from './socket.ts';
import type { ClientState } from './state.ts';
import type { Fallbacks, Gap, Subscriber } from './subscription.ts';
import { Subscriptions } from './subscriptions.ts';
import { tokenSource } from './token.ts';
import type { AskToken } from './token.ts';
import { onWake } from './wake.ts';

/** What both kinds of clients are given, besides where credentials come from. */
export interface CommonOptions {
  /**
   * Where the gateway is, with the path below which it lies, if any: `https://rt.example.com`,
   * `wss://rt.example.com/ws`, or `/postern` on the origin of the page.
   */
  readonly url: string;
  /** Opens sockets. Default: the WebSocket of the runtime; Node has one from 22 on. */
  readonly WebSocket?: SocketConstructor;
  /** Stands in where no WebSocket gets through: `eventStream()`. Default: none. */
  readonly fallback?: SocketConstructor;
  /** How the waits between attempts grow. Default: up to 500 ms at first, up to 30 s in the end, each by chance. */
  readonly backoff?: Partial<Backoff>;
  /** Told of each gap that its subscriber has no function for. Default: a warning on the console. */
  readonly onGap?: (gap: Gap) => void;
  /** Told of what functions of the program throw, and of subscriptions that end without their own. Default: the console. */
  readonly onError?: Report;
}

/** Where credentials come from: one of the two. */
export type Ways =
  | { readonly askToken: AskToken }
  | {
      readonly preauth: PreauthOptions;
      readonly headers: (answer: Answer<Readonly<Record<string, string>>>) => void;
      readonly send: SendRequest;
    };

/** A client without promises: what those for new browsers and for old ones are made of. */
export class Core {
  readonly #link: Link;
  readonly #subscriptions: Subscriptions;
  readonly #publications: Publications;
  readonly #states: Listeners<ClientState>;
  #stopWaking: (() => void) | undefined;

  /** @throws TypeError when it cannot work: the url, or no WebSocket. */
  constructor(options: CommonOptions, ways: Ways) {
    const { onGap = warn, onError = complain, backoff = {} } = options;
    const fallbacks: Fallbacks = { onGap, onError };
    let open: Connection | undefined;
    // While one tells of its end it is still here, and nobody listens to it any more.
    const connection = () => (open?.isOpen === true ? open : undefined);
    this.#states = new Listeners(onError);
    this.#subscriptions = new Subscriptions(connection, fallbacks);
    this.#publications = new Publications(connection);
    this.#link = new Link({
      source: sourceOf(options, ways),
      Socket: socketOf(options),
      Other: options.fallback,
      backoff,
      events: {
        onState: (state) => this.#states.tell(state),
        onOpen: (opened, { maxPayloadBytes }) => {
          open = opened;
          this.#subscriptions.open();
          this.#publications.open(maxPayloadBytes);
        },
        onLost: () => {
          open = undefined;
          this.#subscriptions.lose();
        },
        onStop: (error) => this.#publications.stop(error),
        onAnnouncement: (announcement) => this.#subscriptions.hear(announcement),
      },
    });
  }

  get state(): ClientState {
    return this.#link.state;
  }

  onState(listener: (state: ClientState) => void): () => void {
    return this.#states.add(listener);
  }

  /** Connects now, rather than with the first subscription or message. After a stop it tries anew. */
  connect(): void {
    this.#stopWaking ??= this.state.name === 'closed' ? undefined : onWake(() => this.#link.wake());
    this.#link.start();
  }

  /** For good: nobody is subscribed any more, and what waits to be published is given up. */
  close(): void {
    if (this.state.name === 'closed') return;
    this.#stopWaking?.();
    this.#link.close();
    this.#subscriptions.close(trouble('closed'));
  }

  /** Follows a channel. Returns where the subscriber is, and what ends it. */
  subscribe(
    channel: string,
    subscriber: Subscriber,
  ): { readonly cursor: () => string | undefined; readonly unsubscribe: () => void } {
    const subscription = this.#subscriptions.add(channel, subscriber);
    if (this.state.name === 'closed') this.#subscriptions.close(trouble('closed'));
    this.#begin();
    let at: { readonly cursor: string | undefined } = subscription;
    return {
      cursor: () => at.cursor,
      unsubscribe: () => {
        // What comes after this, others may be told, and this one is not.
        at = { cursor: at.cursor };
        this.#subscriptions.remove(subscription, subscriber);
      },
    };
  }

  /** @throws TypeError when JSON cannot tell the payload. */
  publish(wanted: Wanted, answer: Answer<Published>): () => void {
    const { state } = this;
    const giveUp = this.#publications.add(wanted, answer);
    if (state.name === 'stopped') this.#publications.stop(state.error);
    if (state.name === 'closed') this.#publications.stop(trouble('closed'));
    this.#begin();
    return giveUp;
  }

  /** A client connects by itself once, and not again after a stop: then it is for the program to say. */
  #begin(): void {
    if (this.state.name === 'idle') this.connect();
  }
}

function sourceOf({ url }: CommonOptions, ways: Ways) {
  const addresses = addressesOf(url);
  if ('askToken' in ways) return tokenSource(addresses, ways.askToken);
  const { preauth, headers, send } = ways;
  return preauthSource({ addresses, options: preauth, headers, send });
}

function socketOf({ WebSocket: given, fallback }: CommonOptions): SocketConstructor {
  const socket = given ?? (typeof WebSocket === 'undefined' ? fallback : WebSocket);
  if (socket === undefined) throw new TypeError('No WebSocket here: give one');
  return socket;
}
