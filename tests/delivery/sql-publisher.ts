import { setTimeout as delay } from 'node:timers/promises';

import pg from 'pg';

import { Book } from './books.ts';
import { Pace } from './pace.ts';

/** Where it publishes to, and how much. */
export interface SqlPublisherOptions {
  readonly name: string;
  readonly url: string;
  readonly databaseChannel: string;
  readonly channels: readonly string[];
  readonly perSecond: number;
  /** Whether it notifies by itself, or by the function that takes long messages, too. */
  readonly way: keyof typeof WAYS;
}

/** Each writes the row and publishes, in one transaction: both are committed, or neither is. */
const WAYS = {
  notify: `WITH row AS (INSERT INTO books.published (publisher, number) VALUES ($1, $2))
    SELECT pg_notify($3, json_build_object('channel', $4::text, 'payload', $5::json)::text)`,
  publish: `WITH row AS (INSERT INTO books.published (publisher, number) VALUES ($1, $2)),
    setting AS (SELECT set_config('postern.database_channel', $3, true))
    SELECT postern.publish($4, $5::jsonb) FROM setting`,
} as const;

/** More than NOTIFY carries. */
const LONG = 9_000;
/** Every so many messages one is as long as that, where it may be. */
const LONG_EVERY = 20;

/** Every so many messages one is rolled back. */
const ROLL_BACK_EVERY = 25;
const RETRY_MS = 50;

/** Publishes by SQL, each message in a transaction of its own, one after the other, over breaks too. */
export class SqlPublisher {
  readonly book: Book;
  readonly #options: SqlPublisherOptions;
  readonly #pace: Pace;
  #client: pg.Client | undefined;
  #ending: Promise<void> | undefined;
  #stopping = false;

  constructor(options: SqlPublisherOptions) {
    this.#options = options;
    this.book = new Book(options.name);
    this.#pace = new Pace(options.perSecond);
  }

  /** Begins. */
  start(): void {
    this.#ending ??= this.#publishOn();
  }

  /** Ends after the message that is under way. Harmless when called again. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#ending;
  }

  async #publishOn(): Promise<void> {
    while (!this.#stopping) {
      try {
        this.#client ??= await this.#connect();
        await this.#pace.turn();
        await this.#publish(this.#client);
      } catch {
        // The server went away, as it is made to do. What became of the message, the table knows.
        await this.#hangUp();
        await delay(RETRY_MS);
      }
    }
    await this.#hangUp();
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.#options.url });
    client.on('error', () => {
      // The statement that is under way fails with it, or the next one.
    });
    await client.connect();
    return client;
  }

  async #publish(client: pg.Client): Promise<void> {
    const { databaseChannel, channels, way } = this.#options;
    const count = this.book.publications.length;
    const channel = channels[count % channels.length] ?? '';
    const { publisher, number } = this.book.begin(channel);
    const isLong = way === 'publish' && number % LONG_EVERY === LONG_EVERY / 2;
    const payload = { publisher, number, ...(isLong ? { filler: 'x'.repeat(LONG) } : {}) };
    const query = {
      name: way,
      text: WAYS[way],
      values: [publisher, number, databaseChannel, channel, JSON.stringify(payload)],
    };
    if (number % ROLL_BACK_EVERY !== ROLL_BACK_EVERY - 1) {
      await client.query(query);
      return;
    }
    await client.query('BEGIN');
    await client.query(query);
    await client.query('ROLLBACK');
  }

  async #hangUp(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => undefined);
  }
}
