import type { PoolClient } from 'pg';
import { DatabaseError } from 'pg';
import { backoffMs, pause } from './backoff.ts';
import type { Database, DatabaseLog } from './connect.ts';
import { answerWithin } from './connect.ts';
import { reasonOf } from './diagnosis.ts';

/**
 * What became of a message: committed; perhaps committed, perhaps not; refused by PostgreSQL, and
 * certainly not committed; or never sent, as too much is waiting already.
 */
export type Outcome = 'committed' | 'unknown' | 'rejected' | 'overflow';

/** Told once what became of a message. Must not throw. */
export type Settle = (outcome: Outcome) => void;

/** Where a notifier sends. */
export interface NotifierOptions {
  readonly database: Database;
  /** The database channel. */
  readonly channel: string;
  readonly log: DatabaseLog;
  /** Told of each commit how many texts it took, and how long it lasted. */
  readonly onCommit?: (texts: number, seconds: number) => void;
}

interface Waiting {
  readonly text: string;
  readonly bytes: number;
  readonly message: Message;
}

/** One message: a text for each of its channels. */
interface Message {
  readonly settle: Settle;
  left: number;
  outcome: Outcome;
}

/** Of several texts the worst outcome is that of the message. */
const SEVERITY: readonly Outcome[] = ['committed', 'rejected', 'unknown', 'overflow'];

/**
 * Bytes of text that may be unsettled. Two seconds of what PostgreSQL takes at its fastest, or the
 * chat of some 50,000 people during an outage; what is beyond it is better refused than kept.
 */
export const QUEUE_BYTES = 16 * 1024 * 1024;

/** So many share one commit. As none is longer than NOTIFY takes, that is at most a megabyte. */
const BATCH_MESSAGES = 128;

/** A commit can wait for a slow disk, or for the lock that all who NOTIFY share. */
const ANSWER_DEADLINE_MS = 10_000;

/**
 * `count` makes one row of the answer instead of one a text. The texts are notified in their order,
 * each of them, since no two envelopes are equal: PostgreSQL would fold those into one.
 */
const NOTIFY_ALL = 'SELECT count(pg_notify($1, text)) FROM unnest($2::text[]) AS text';

/**
 * Sends texts to the database channel in the order in which they came: one statement at a time,
 * while the next one gathers. A text that may have reached PostgreSQL is never sent again, for it
 * could come twice; one that has not waits while the connection is mended.
 */
export class Notifier {
  readonly #options: NotifierOptions;
  readonly #stopping = new AbortController();
  readonly #queue: Waiting[] = [];
  /** The halves of refused batches, in order: they go before the queue. */
  readonly #halves: (readonly Waiting[])[] = [];
  #unsettledBytes = 0;
  #unsettledTexts = 0;
  #sending: Promise<void> | undefined;
  #inFlight: PoolClient | undefined;
  #failures = 0;
  #accepting = true;
  #held = false;

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  /**
   * Takes the texts of one message, all or none: each of them {@link fitsNotification} and differs
   * from all others. `settle` is called once, for the message: at once with `overflow` when the queue
   * is full or the notifier stopped, else later.
   */
  send(texts: readonly string[], settle: Settle): void {
    const message: Message = { settle, left: texts.length, outcome: 'committed' };
    const batch = texts.map((text) => ({ text, bytes: Buffer.byteLength(text), message }));
    const bytes = batch.reduce((sum, waiting) => sum + waiting.bytes, 0);
    if (!this.#accepting || this.#unsettledBytes + bytes > QUEUE_BYTES) {
      settle('overflow');
      return;
    }
    this.#unsettledBytes += bytes;
    this.#unsettledTexts += batch.length;
    this.#queue.push(...batch);
    this.#sendOn();
  }

  /** Texts that PostgreSQL has not answered for. */
  get unsettledTexts(): number {
    return this.#unsettledTexts;
  }

  /** The bytes of these texts. */
  get unsettledBytes(): number {
    return this.#unsettledBytes;
  }

  /** Whether more than half of what may wait does. */
  get crowded(): boolean {
    return this.#unsettledBytes > QUEUE_BYTES / 2;
  }

  /** From here on what is not sent yet waits: while nobody here listens, its senders would miss it. */
  hold(): void {
    this.#held = true;
  }

  /** Sends what waits. */
  release(): void {
    this.#held = false;
    this.#sendOn();
  }

  /** Sends what waits, for at most `deadlineMs`; what is left then is settled as `unknown`. */
  async stop(deadlineMs: number): Promise<void> {
    this.#accepting = false;
    this.release();
    await Promise.race([this.#sending, pause(deadlineMs, this.#stopping.signal)]);
    this.#stopping.abort();
    if (this.#inFlight !== undefined) {
      this.#inFlight.connection.stream.destroy();
      await this.#sending;
    }
    this.#settle([...this.#halves.splice(0).flat(), ...this.#queue.splice(0)], 'unknown');
  }

  #sendOn(): void {
    if (this.#maySend) this.#sending ??= this.#sendAll();
  }

  get #maySend(): boolean {
    const waiting = this.#queue.length + this.#halves.length;
    return waiting > 0 && !this.#held && !this.#stopping.signal.aborted;
  }

  async #sendAll(): Promise<void> {
    try {
      while (this.#maySend) await this.#sendNext();
    } finally {
      this.#sending = undefined;
    }
  }

  async #sendNext(): Promise<void> {
    const client = await this.#checkout();
    if (client === undefined) return;
    this.#inFlight = client;
    await this.#sendBatch(client, this.#halves.shift() ?? this.#queue.splice(0, BATCH_MESSAGES));
    this.#inFlight = undefined;
  }

  /** A connection, or undefined after a wait: what is not sent yet is safe to keep. */
  async #checkout(): Promise<PoolClient | undefined> {
    const { signal } = this.#stopping;
    try {
      const client = await this.#options.database.checkout();
      this.#failures = 0;
      if (this.#maySend) return client;
      client.release();
    } catch (error) {
      const waitMs = backoffMs(++this.#failures);
      const attempt = this.#failures;
      this.#options.log('database_retry', { reason: reasonOf(error), attempt, waitMs });
      await pause(waitMs, signal);
    }
    return undefined;
  }

  async #sendBatch(client: PoolClient, batch: readonly Waiting[]): Promise<void> {
    const texts = batch.map(({ text }) => text);
    const startMs = performance.now();
    const query = client.query(NOTIFY_ALL, [this.#options.channel, texts]);
    try {
      await answerWithin(ANSWER_DEADLINE_MS, client, query);
    } catch (error) {
      await this.#failed(client, batch, error);
      return;
    }
    client.release();
    this.#options.onCommit?.(texts.length, (performance.now() - startMs) / 1000);
    this.#settle(batch, 'committed');
  }

  async #failed(client: PoolClient, batch: readonly Waiting[], error: unknown): Promise<void> {
    const reason = reasonOf(error);
    if (!(await wasRefused(client, error))) {
      client.release(true);
      this.#options.log('connection_lost', { reason, messages: batch.length });
      this.#settle(batch, 'unknown');
      return;
    }
    client.release();
    if (batch.length > 1) {
      // The bad one must fail alone: it is looked for by halves, and the order is kept.
      const middle = batch.length >> 1;
      this.#halves.unshift(batch.slice(0, middle), batch.slice(middle));
      return;
    }
    this.#options.log('message_not_sent', { reason });
    this.#settle(batch, 'rejected');
  }

  #settle(batch: readonly Waiting[], outcome: Outcome): void {
    for (const { bytes, message } of batch) {
      this.#unsettledBytes -= bytes;
      this.#unsettledTexts -= 1;
      if (SEVERITY.indexOf(outcome) > SEVERITY.indexOf(message.outcome)) message.outcome = outcome;
      message.left -= 1;
      if (message.left === 0) message.settle(message.outcome);
    }
  }
}

/**
 * Whether PostgreSQL refused a statement, so that nothing of it was committed. An error after which
 * the connection ends says nothing of the kind, and only asking on tells the two apart: the driver
 * hands on the severity in the server's language only.
 */
async function wasRefused(client: PoolClient, error: unknown): Promise<boolean> {
  if (!(error instanceof DatabaseError)) return false;
  try {
    await answerWithin(ANSWER_DEADLINE_MS, client, client.query('SELECT 1'));
    return true;
  } catch {
    // That the connection is gone is the answer.
    return false;
  }
}
