import { randomUUID } from 'node:crypto';
import type { Client, Notification } from 'pg';
import { GatewayError } from '../errors.ts';
import { pause } from './backoff.ts';
import type { Database, DatabaseLog } from './connect.ts';
import { answerWithin, hangUp } from './connect.ts';
import { reasonOf } from './diagnosis.ts';
import { quoteIdentifier } from './identifier.ts';

/** What a connection that LISTENs is made of. */
export interface ListenOptions {
  readonly database: Database;
  /** The users' database channel. */
  readonly channel: string;
  /** Seconds between two proofs that notifications still arrive; 0: only the first is asked for. */
  readonly checkSeconds: number;
  /** Called for each notification on the database channel, from the LISTEN on. */
  readonly notified: (text: string) => void;
  /** Makes what follows {@link PRIVATE_CHANNEL} on this connection; undefined: only nonces are heard. */
  readonly privately?: (() => PrivateListener) | undefined;
  readonly log: DatabaseLog;
  /** Told how long a nonce was under way that came back. */
  readonly onProof?: (seconds: number) => void;
}

/** Where gateways talk among themselves: never the users' channel. */
export const PRIVATE_CHANNEL = 'postern.private';

/**
 * Whoever has to know what is said there. A connection on which that cannot be done is of no use: it is
 * given up when a promise of these rejects.
 */
export interface PrivateListener {
  /** The connection listens, and nobody relies on it yet: what was said before has to be made up for. */
  listening(client: Client): Promise<void>;
  /** Something was said, nonces too. */
  noticed(text: string, client: Client): Promise<void>;
  /** The connection is lost: another one has taken its place, or will. Harmless when called twice. */
  lost(): void;
}

const NOTIFY = 'SELECT pg_notify($1, $2)';
const ANSWER_DEADLINE_MS = 5_000;
/** A loss is to be noticed within the seconds between two checks and 5 more; this leaves a margin. */
const NONCE_DEADLINE_MS = 4_500;
/** When the pool has not sent the nonce by then, this connection does. */
const DETOUR_AFTER_MS = 2_000;

/** What became of a nonce. `unsent`: PostgreSQL has not even taken it. */
type Proof = 'heard' | 'unheard' | 'unsent';

/** A nonce on its way. */
interface Trial {
  readonly nonce: string;
  /** Aborts when there is nothing more to wait for. */
  readonly over: AbortController;
  proof: Proof;
}

/**
 * One connection that LISTENs, from its opening to its loss. It never comes back: whoever wants
 * another one opens another one. That it hears is proved by a nonce that goes the whole way of a
 * message, NOTIFY on another connection and LISTEN on this one: a backend that is stopped, and a
 * pooler that gave its session to somebody else, look alive to everything less.
 */
export class ListenConnection {
  readonly #options: ListenOptions;
  readonly #lost = new AbortController();
  readonly #private: PrivateListener | undefined;
  #trial: Trial | undefined;
  #nextCheck: NodeJS.Timeout | undefined;
  #client: Client | undefined;

  constructor(options: ListenOptions) {
    this.#options = options;
    this.#private = options.privately?.();
  }

  /** Aborts when the connection is of no more use, with the reason in a few words. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /**
   * Connects, LISTENs, and proves it. Rejects when any of it fails, with a `GatewayError` when the
   * server cannot serve as it is; the connection is lost then.
   */
  async open(): Promise<void> {
    try {
      const client = await this.#connect();
      await this.#inspect(client);
      await this.#listen(client);
      await this.#proveAtFirst(client);
      await this.#private?.listening(client);
      // That may have been done by another connection, and this one have ended meanwhile.
      if (this.lost.aborted) throw new Error(String(this.lost.reason));
      this.#checkLater();
    } catch (error) {
      this.#lose(reasonOf(error));
      throw error;
    }
  }

  /** Ends the connection, at whatever point it is. */
  async close(): Promise<void> {
    clearTimeout(this.#nextCheck);
    if (this.#client !== undefined) await hangUp(this.#client);
    this.#lose('closed');
  }

  #lose(reason: string): void {
    clearTimeout(this.#nextCheck);
    this.#lost.abort(reason);
    this.#trial?.over.abort();
    this.#private?.lost();
  }

  async #connect(): Promise<Client> {
    const client = await this.#options.database.connect(this.lost);
    this.#client = client;
    client.on('error', (error) => this.#lose(reasonOf(error)));
    client.on('end', () => this.#lose('the server closed the connection'));
    client.on('notification', (notification) => this.#notified(notification, client));
    return client;
  }

  async #inspect(client: Client): Promise<void> {
    const query = client.query<{ replica: boolean; encoding: string }>(
      "SELECT pg_is_in_recovery() AS replica, current_setting('server_encoding') AS encoding",
    );
    const [row] = (await answerWithin(ANSWER_DEADLINE_MS, client, query)).rows;
    if (row?.replica === true) {
      throw new GatewayError('POSTERN_DATABASE', {
        detail:
          'it is a read replica, which can neither LISTEN nor NOTIFY; name the primary in POSTERN_DATABASE_URL',
      });
    }
    if (row !== undefined && row.encoding !== 'UTF8') {
      this.#options.log('database_encoding', { encoding: row.encoding });
    }
  }

  async #listen(client: Client): Promise<void> {
    const channels = [this.#options.channel, PRIVATE_CHANNEL].map(quoteIdentifier);
    const sql = channels.map((channel) => `LISTEN ${channel}`).join(';');
    await answerWithin(ANSWER_DEADLINE_MS, client, client.query(sql));
  }

  #notified({ channel, payload = '' }: Notification, client: Client): void {
    if (channel === this.#options.channel) {
      this.#options.notified(payload);
    } else if (payload === this.#trial?.nonce) {
      this.#trial.proof = 'heard';
      this.#trial.over.abort();
    } else {
      const heeded = this.#private?.noticed(payload, client);
      heeded?.catch((error: unknown) => this.#lose(reasonOf(error)));
    }
  }

  async #proveAtFirst(client: Client): Promise<void> {
    const proof = await this.#prove(client);
    if (proof === 'heard') return;
    if (proof === 'unsent') throw new Error('no NOTIFY was answered');

    // The nonce was sent. Does this connection answer at all, or is it merely deaf?
    await answerWithin(ANSWER_DEADLINE_MS, client, client.query('SELECT 1'));
    throw new GatewayError('POSTERN_DATABASE', {
      detail:
        'LISTEN hears nothing: there seems to be a connection pooler in transaction mode, or a load balancer, in between; name the server itself, or a pooler in session mode, in POSTERN_DATABASE_URL',
    });
  }

  #checkLater(): void {
    const { checkSeconds } = this.#options;
    if (checkSeconds === 0 || this.lost.aborted) return;
    this.#nextCheck = setTimeout(() => void this.#check(), checkSeconds * 1000).unref();
  }

  async #check(): Promise<void> {
    if (this.#client === undefined) return;
    const proof = await this.#prove(this.#client);
    if (proof === 'heard') this.#checkLater();
    else this.#lose(`nonce ${proof}`);
  }

  /** Sends a nonce round, and says what became of it. Never rejects. */
  async #prove(client: Client): Promise<Proof> {
    const trial: Trial = { nonce: randomUUID(), over: new AbortController(), proof: 'unsent' };
    const sent = (): void => {
      if (trial.proof === 'unsent') trial.proof = 'unheard';
    };
    this.#trial = trial;
    const startMs = performance.now();
    // A nonce that cannot be sent by either way stays unsent, which says it all.
    void this.#send(client, trial).then(sent, () => undefined);
    await pause(NONCE_DEADLINE_MS, trial.over.signal);
    this.#trial = undefined;
    if (trial.proof === 'heard') this.#options.onProof?.((performance.now() - startMs) / 1000);
    return trial.proof;
  }

  /** Sends a nonce on a connection of the pool; when that takes long or fails, on this one. */
  async #send(client: Client, { nonce, over }: Trial): Promise<void> {
    const { database, log } = this.#options;
    const values = [PRIVATE_CHANNEL, nonce];
    let problem: string | undefined = 'no answer';
    const byPool = database.run(NOTIFY, values, ANSWER_DEADLINE_MS).then(
      () => (problem = undefined),
      (error: unknown) => (problem = reasonOf(error)),
    );

    await Promise.race([byPool, pause(DETOUR_AFTER_MS, over.signal)]);
    if (problem === undefined || over.signal.aborted) return;
    log('listener_check_failed', { reason: problem });
    await client.query(NOTIFY, values);
  }
}
