import type { Client, Pool, PoolClient } from 'pg';
import type { DatabaseAddress } from './database-url.ts';
import { parseDatabaseUrl } from './database-url.ts';
import { lacksTls, reasonOf } from './diagnosis.ts';
import { driver } from './driver.ts';

/** What this folder logs: a subset of the gateway's events. */
export type DatabaseEvent =
  | 'connection_lost'
  | 'database_encoding'
  | 'database_retry'
  | 'disconnection_unavailable'
  | 'listener_check_failed'
  | 'listener_lost'
  | 'listener_restored'
  | 'message_not_sent'
  | 'payload_lost'
  | 'presence_kept'
  | 'presence_unavailable'
  | 'publication_tables_unavailable'
  | 'publishing_waits'
  | 'replay_store_emptied'
  | 'replay_store_failed'
  | 'revocation_unavailable'
  | 'schema_migrated'
  | 'schema_newer'
  | 'schema_unusable';

/** Writes one event. The fields never hold a notification's text or a password. */
export type DatabaseLog = (
  event: DatabaseEvent,
  fields?: Readonly<Record<string, string | number>>,
) => void;

/** Where the database is and how much of it may be used. */
export interface DatabaseOptions {
  /** `postgres://` or `postgresql://`; see {@link parseDatabaseUrl}. */
  readonly url: string;
  /** Most connections in the pool, which connections of their own do not count for; at least 1. */
  readonly poolSize: number;
  readonly log: DatabaseLog;
}

/** The system's own keepalive would begin after two hours: firewalls forget connections by then. */
const TIMING = {
  connectionTimeoutMillis: 5_000,
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
} as const;
const GOODBYE_DEADLINE_MS = 1_000;

/** The one way to PostgreSQL: a pool, and connections of their own for those that LISTEN. */
export class Database {
  readonly #address: DatabaseAddress;
  readonly #poolSize: number;
  readonly #log: DatabaseLog;
  readonly #pooled = new Set<Client>();
  #opened: Promise<Pool> | undefined;
  #stopped: Promise<void> | undefined;

  /** Connects to nothing yet. Throws a `GatewayError` for a URL that cannot be used. */
  constructor({ url, poolSize, log }: DatabaseOptions) {
    const { config, plainTextAllowed } = parseDatabaseUrl(url);
    this.#address = { config: { ...config, ...TIMING }, plainTextAllowed };
    this.#poolSize = poolSize;
    this.#log = log;
  }

  /** Opens a connection outside the pool, which is cut off as soon as `signal` aborts. */
  async connect(signal: AbortSignal): Promise<Client> {
    return await this.#connected(async () => {
      const { Client } = await driver();
      signal.throwIfAborted();
      const client = new Client(this.#address.config);
      listenForErrors(client);
      signal.addEventListener('abort', () => client.connection.stream.destroy());
      await client.connect();
      return client;
    });
  }

  /** Takes a connection out of the pool. Whoever has it releases it. */
  async checkout(): Promise<PoolClient> {
    return await this.#connected(async () => await (await this.#pool()).connect());
  }

  /** Runs one statement on a connection of the pool, which must answer within the deadline. */
  async run(sql: string, values: readonly string[], deadlineMs: number): Promise<void> {
    const client = await this.checkout();
    try {
      await answerWithin(deadlineMs, client, client.query(sql, [...values]));
    } catch (error) {
      client.release(true);
      throw error;
    }
    client.release();
  }

  /**
   * Lends a connection of the pool. It is cut off when the work on it fails, or when that and the
   * wait for the connection take longer than the deadline.
   */
  async lend<T>(deadlineMs: number, work: (client: PoolClient) => Promise<T>): Promise<T> {
    const startMs = performance.now();
    const client = await inTime(deadlineMs, this.checkout());
    const leftMs = Math.max(1, deadlineMs - (performance.now() - startMs));
    try {
      const result = await answerWithin(leftMs, client, work(client));
      client.release();
      return result;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  /** Says goodbye on every connection of the pool, and cuts off those that do not answer. */
  stop(): Promise<void> {
    this.#stopped ??= this.#end();
    return this.#stopped;
  }

  #pool(): Promise<Pool> {
    if (this.#stopped !== undefined) throw new Error('The pool is closed');
    return (this.#opened ??= this.#open());
  }

  async #open(): Promise<Pool> {
    const { Pool } = await driver();
    const max = this.#poolSize;
    // An idle connection is kept: the next message would have to wait for a new one.
    const pool = new Pool({ ...this.#address.config, max, idleTimeoutMillis: 0 });
    pool.on('error', (error) => this.#log('connection_lost', { reason: reasonOf(error) }));
    pool.on('remove', (client) => this.#pooled.delete(client));
    pool.on('connect', (client) => {
      this.#pooled.add(client);
      listenForErrors(client);
    });
    return pool;
  }

  async #end(): Promise<void> {
    const pool = await this.#opened;
    const timer = setTimeout(() => {
      for (const client of this.#pooled) client.connection.stream.destroy();
    }, GOODBYE_DEADLINE_MS);
    await pool?.end();
    clearTimeout(timer);
  }

  /** With `sslmode` prefer, a server that turns out to have no TLS is spoken to in plain text. */
  async #connected<T>(connect: () => Promise<T>): Promise<T> {
    try {
      return await connect();
    } catch (error) {
      if (!this.#address.plainTextAllowed || !lacksTls(error)) throw error;
    }
    this.#address.config.ssl = false;
    const pool = await this.#pool();
    pool.options.ssl = false;
    return await connect();
  }
}

/**
 * Waits for a connection's answer to a statement. When it does not come in time, the connection is
 * cut off, as nothing else would end it: a stopped backend answers no goodbye either, and the
 * driver's own timeout would leave a client whose next answer belongs to the statement before.
 */
export async function answerWithin<T>(
  deadlineMs: number,
  client: Client,
  answer: Promise<T>,
): Promise<T> {
  const timer = setTimeout(() => {
    client.connection.stream.destroy(new Error(`no answer within ${deadlineMs} ms`));
  }, deadlineMs);
  try {
    return await answer;
  } finally {
    clearTimeout(timer);
  }
}

/** Waits so long for a connection of the pool; one that comes later goes straight back. */
async function inTime(deadlineMs: number, checkout: Promise<PoolClient>): Promise<PoolClient> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer within ${deadlineMs} ms`));
      checkout.then(
        (client) => client.release(),
        () => undefined,
      );
    }, deadlineMs);
  });
  try {
    return await Promise.race([checkout, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Ends a connection; when the server does not answer the goodbye, by cutting it off. */
export async function hangUp(client: Client): Promise<void> {
  const timer = setTimeout(() => client.connection.stream.destroy(), GOODBYE_DEADLINE_MS);
  await client.end();
  clearTimeout(timer);
}

/** An `error` event that nobody listens for ends the process. */
function listenForErrors(client: Client): void {
  client.on('error', () => {
    // Whoever uses the client learns it from the statement that fails, or from the `end` event.
  });
}
