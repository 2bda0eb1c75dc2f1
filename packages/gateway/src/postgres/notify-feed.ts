import { once } from 'node:events';
import { GatewayError } from '../errors.ts';
import { backoffMs, pause } from './backoff.ts';
import type { Database, DatabaseLog } from './connect.ts';
import { hopeless, reasonOf } from './diagnosis.ts';
import type { Feed, FeedListener } from './feed.ts';
import { quoteIdentifier } from './identifier.ts';
import { ListenConnection, PRIVATE_CHANNEL } from './listen-connection.ts';
import type { PrivateListener } from './listen-connection.ts';

/** How a feed of notifications behaves. */
export interface NotifyFeedOptions {
  readonly database: Database;
  /** The database channel: every notification on it comes in. */
  readonly channel: string;
  /** Seconds between two proofs that notifications still arrive; 0: only a broken connection tells. */
  readonly checkSeconds: number;
  /** How often an unreachable server is tried at the start; 0: for ever. */
  readonly retries: number;
  /** After a loss: come back, however long it takes, or give up at once. */
  readonly onLoss: 'reconnect' | 'exit';
  /** Makes what follows the private channel, for each connection anew; undefined: nobody does. */
  readonly privately?: (() => PrivateListener) | undefined;
  readonly log: DatabaseLog;
  /** Told how long a proof took, each time. */
  readonly onProof?: (seconds: number) => void;
}

/** The feed of LISTEN: one connection at a time, replaced when it is lost. */
export class NotifyFeed implements Feed {
  readonly #options: NotifyFeedOptions;
  readonly #listener: FeedListener;
  readonly #stopping = new AbortController();
  #connection: ListenConnection | undefined;
  #following: Promise<void> = Promise.resolve();
  #up = false;

  /** Throws a `GatewayError` for a channel that cannot be LISTENed on. */
  constructor(options: NotifyFeedOptions, listener: FeedListener) {
    quoteIdentifier(options.channel);
    if (options.channel === PRIVATE_CHANNEL) {
      throw new GatewayError('POSTERN_CONFIG', {
        detail: `gateways talk among themselves on ${PRIVATE_CHANNEL}; choose another POSTERN_DATABASE_CHANNEL`,
      });
    }
    this.#options = options;
    this.#listener = listener;
  }

  /** Whether notifications arrive, as far as has been proved. */
  get up(): boolean {
    return this.#up;
  }

  /** See {@link Feed.start}; what may pass by itself is retried, as often as the options say. */
  async start(): Promise<void> {
    const first = await this.#connect((error, attempt) => this.#giveUp(error, attempt));
    this.#stopping.signal.throwIfAborted();
    this.#following = this.#follow(first);
  }

  /** See {@link Feed.stop}. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#up = false;
    await this.#connection?.close();
    await this.#following;
  }

  /** Keeps the feed up, connection after connection, until it is stopped or gives up. */
  async #follow(first: ListenConnection | undefined): Promise<void> {
    const { log, onLoss } = this.#options;
    let connection = first;
    while (connection !== undefined && !this.#stopping.signal.aborted) {
      this.#up = true;
      if (connection !== first) log('listener_restored');
      this.#listener.up();

      const reason = await lossOf(connection);
      if (this.#stopping.signal.aborted) return;
      this.#up = false;
      log('listener_lost', { reason });
      this.#listener.down(reason);
      if (onLoss === 'exit') {
        this.#listener.lost(lossError(reason));
        return;
      }
      connection = await this.#connect();
    }
  }

  /** Tries until a connection LISTENs, or `giveUp` throws; undefined when the feed was stopped. */
  async #connect(
    giveUp?: (error: unknown, attempt: number) => void,
  ): Promise<ListenConnection | undefined> {
    const { signal } = this.#stopping;
    for (let attempt = 1; !signal.aborted; attempt++) {
      const connection = new ListenConnection({
        ...this.#options,
        notified: (text) => this.#listener.notified(text),
      });
      this.#connection = connection;
      try {
        await connection.open();
        return connection;
      } catch (error) {
        if (signal.aborted) return undefined;
        giveUp?.(error, attempt);
        const waitMs = backoffMs(attempt);
        this.#options.log('database_retry', { reason: reasonOf(error), attempt, waitMs });
        await pause(waitMs, signal);
      }
    }
    return undefined;
  }

  /** At the start, what no retry mends must not be hidden behind one. */
  #giveUp(error: unknown, attempt: number): void {
    const end = hopeless(error);
    if (end !== undefined) throw end;
    if (attempt !== this.#options.retries) return;

    const detail = `it could not be reached, ${attempt} times (${reasonOf(error)}); see that it runs, and that POSTERN_DATABASE_URL names it`;
    throw new GatewayError('POSTERN_DATABASE', { detail, cause: error });
  }
}

async function lossOf({ lost }: ListenConnection): Promise<string> {
  if (!lost.aborted) await once(lost, 'abort');
  return String(lost.reason);
}

function lossError(reason: string): GatewayError {
  return new GatewayError('POSTERN_DATABASE', {
    detail: `notifications no longer arrive (${reason}); POSTERN_ON_LISTENER_LOSS=reconnect would wait for them`,
  });
}
