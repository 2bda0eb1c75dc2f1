import type { PoolClient } from 'pg';
import { backoffMs, pause } from './backoff.ts';
import type { Database, DatabaseLog } from './connect.ts';
import { answerWithin } from './connect.ts';
import { reasonOf } from './diagnosis.ts';
import { ANSWER_DEADLINE_MS, fateOf } from './fate.ts';
import { Fence } from './fence.ts';
import { longTextsIn } from './long-texts.ts';
import { needsTables, OutgoingQueue, QUEUE_BYTES } from './outgoing.ts';
import type { Given, Outgoing, Settle } from './outgoing.ts';
import { notifyBatch, readClock } from './publishing-statements.ts';
import type { BatchAnswer } from './publishing-statements.ts';

/** The tables that some messages need, as far as a notifier has to do with them. */
export interface Tables {
  readonly state: 'unknown' | 'usable' | 'unusable';
  /** Resolves when the state is known. */
  known(): Promise<void>;
  /** Somebody who used them has failed. Returns whether that is due to them: then they are unusable. */
  failed(error: unknown): boolean;
}

/** Where a notifier sends. */
export interface NotifierOptions {
  readonly database: Database;
  /** The database channel. */
  readonly channel: string;
  /** Without them no message with a key is taken, nor one that NOTIFY does not take. */
  readonly tables?: Tables;
  readonly log: DatabaseLog;
  /** Told of each commit how many texts it took, and how long it lasted. */
  readonly onCommit?: (texts: number, seconds: number) => void;
}

/**
 * What has a key is sent again for so long, where nobody knows whether it was committed. It is half as long
 * as keys are remembered, so that its sender can still try again, too.
 */
const RETRY_MS = 5 * 60_000;

/** So long at a time, what a notifier waits for is waited for. */
const KNOWN_MS = 5_000;

/** How soon the fence is tried again, behind which a batch in doubt still runs. */
const HELD_MS = 100;
/** It is said when that takes longer. */
const SAID_AFTER = 10;

/**
 * Sends texts to the database channel, those of a sender in the order in which they came: one statement at
 * a time, while the next one gathers. A text that may have reached PostgreSQL is never sent again, for it
 * could come twice, unless it has a key, which keeps it from that; one that has not waits while the
 * connection is mended.
 */
export class Notifier {
  readonly #options: NotifierOptions;
  readonly #stopping = new AbortController();
  readonly #queue = new OutgoingQueue();
  readonly #fence = new Fence();
  #sending: Promise<void> | undefined;
  #inFlight: PoolClient | undefined;
  #failures = 0;
  /** How often in a row the fence was found held. */
  #held = 0;
  #accepting = true;
  #onHold = false;

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  /**
   * Takes the texts of one message, all or none. `settle` is called once, for the message: at once when it
   * is not taken, else later.
   */
  send(message: Given, settle: Settle): void {
    const { tables, channel } = this.#options;
    const hasTables = tables !== undefined && tables.state !== 'unusable';
    const longs = longTextsIn(message.texts, channel);
    if (longs === undefined || (!hasTables && longs.length > 0)) settle('too_big');
    else if (!hasTables && message.key !== undefined) settle('no_keys');
    else if (!this.#accepting || !this.#queue.add(message, longs, settle)) settle('overflow');
    else this.#sendOn();
  }

  /** Texts that PostgreSQL has not answered for. */
  get unsettledTexts(): number {
    return this.#queue.unsettledTexts;
  }

  /** The bytes of these texts. */
  get unsettledBytes(): number {
    return this.#queue.unsettledBytes;
  }

  /** Whether more than half of what may wait does. */
  get crowded(): boolean {
    return this.#queue.unsettledBytes > QUEUE_BYTES / 2;
  }

  /** From here on what is not sent yet waits: while nobody here listens, its senders would miss it. */
  hold(): void {
    this.#onHold = true;
  }

  /** Sends what waits. */
  release(): void {
    this.#onHold = false;
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
    this.#queue.settleAll('unknown');
  }

  #sendOn(): void {
    if (this.#maySend) this.#sending ??= this.#sendAll();
  }

  get #maySend(): boolean {
    return !this.#queue.isEmpty && !this.#onHold && !this.#stopping.signal.aborted;
  }

  async #sendAll(): Promise<void> {
    try {
      while (this.#maySend) await this.#sendNext();
    } finally {
      this.#sending = undefined;
    }
  }

  async #sendNext(): Promise<void> {
    const { waitMs } = this.#fence;
    if (waitMs > 0) return await pause(waitMs, this.#stopping.signal);
    const { tables } = this.#options;
    if (tables?.state === 'unknown' && this.#queue.needsTables)
      return await this.#getToKnow(tables);
    const client = await this.#checkout();
    if (client === undefined) return;
    const batch = this.#sift(this.#queue.next());
    if (batch.length === 0) return client.release();
    this.#inFlight = client;
    await this.#sendBatch(client, batch);
    this.#inFlight = undefined;
  }

  async #getToKnow(tables: Tables): Promise<void> {
    const over = new AbortController();
    const { signal } = this.#stopping;
    await Promise.race([tables.known(), pause(KNOWN_MS, AbortSignal.any([signal, over.signal]))]);
    over.abort();
  }

  /** Settles what may not be sent any more, and returns all else. */
  #sift(batch: readonly Outgoing[]): readonly Outgoing[] {
    if (!this.#queue.needsTables) return batch;
    const isUnusable = this.#options.tables?.state === 'unusable';
    const startMs = performance.now() - RETRY_MS;
    return batch.filter((outgoing) => {
      const { key, triedAtMs } = outgoing;
      const isLate = triedAtMs !== undefined && triedAtMs < startMs;
      if (!isLate && !(isUnusable && needsTables(outgoing))) return true;
      const refusal = key === undefined ? 'too_big' : 'no_keys';
      this.#queue.settle(outgoing, triedAtMs === undefined ? refusal : 'unknown');
      return false;
    });
  }

  /** A connection, or undefined after a wait: what is not sent yet is safe to keep. */
  async #checkout(): Promise<PoolClient | undefined> {
    try {
      const client = await this.#connected();
      this.#failures = 0;
      if (this.#maySend) return client;
      client.release();
    } catch (error) {
      const waitMs = backoffMs(++this.#failures);
      const attempt = this.#failures;
      this.#options.log('database_retry', { reason: reasonOf(error), attempt, waitMs });
      await pause(waitMs, this.#stopping.signal);
    }
    return undefined;
  }

  async #connected(): Promise<PoolClient> {
    const client = await this.#options.database.checkout();
    if (this.#fence.knowsTime) return client;
    try {
      this.#fence.read(await answerWithin(ANSWER_DEADLINE_MS, client, readClock(client)));
    } catch (error) {
      client.release(true);
      throw error;
    }
    return client;
  }

  async #sendBatch(client: PoolClient, batch: readonly Outgoing[]): Promise<void> {
    const lease = this.#fence.lease();
    const startMs = performance.now();
    const sending = { channel: this.#options.channel, lock: this.#fence.lock, lease };
    let answer: BatchAnswer;
    try {
      const query = notifyBatch(client, batch, sending);
      answer = await answerWithin(ANSWER_DEADLINE_MS, client, query);
    } catch (error) {
      await this.#failed(client, batch, { error, lease, startMs });
      return;
    }
    client.release();
    this.#fence.answered(answer.passage, answer.seconds);
    if (answer.passage === 'open') this.#committed(batch, answer, startMs);
    else await this.#notThrough(batch, answer);
  }

  #committed(batch: readonly Outgoing[], { isNotified }: BatchAnswer, startMs: number): void {
    this.#held = 0;
    this.#options.onCommit?.(batch.length, (performance.now() - startMs) / 1000);
    batch.forEach((outgoing, place) => {
      // Whose key was used when it was sent again has most likely used it itself.
      const isFirst = isNotified(place) || outgoing.triedAtMs !== undefined;
      this.#queue.settle(outgoing, isFirst ? 'committed' : 'duplicate');
    });
  }

  /** Nothing was done: it is sent again, as soon as that may help. */
  async #notThrough(batch: readonly Outgoing[], { passage }: BatchAnswer): Promise<void> {
    this.#queue.putBack(batch);
    if (passage !== 'held' || !this.#fence.isDoubtful) return;
    this.#held += 1;
    if (this.#held === SAID_AFTER) this.#options.log('publishing_waits');
    await pause(HELD_MS, this.#stopping.signal);
  }

  async #failed(
    client: PoolClient,
    batch: readonly Outgoing[],
    { error, lease, startMs }: Failed,
  ): Promise<void> {
    const reason = reasonOf(error);
    const fate = await fateOf(client, error);
    if (fate === 'doubtful' || fate === 'ended') {
      client.release(true);
      this.#options.log('connection_lost', { reason, messages: batch.length });
      this.#fence.doubt(lease, fate);
      this.#inDoubt(batch, startMs);
      return;
    }
    client.release();
    if (fate === 'hindered') return await this.#again(batch, reason);
    if (batch.some(needsTables) && this.#options.tables?.failed(error) === true)
      this.#queue.putBack(batch);
    else if (batch.length > 1) {
      // The bad one must fail alone: it is looked for by halves, and the order is kept.
      const middle = batch.length >> 1;
      this.#queue.putBack(batch.slice(0, middle), batch.slice(middle));
    } else {
      this.#options.log('message_not_sent', { reason });
      for (const outgoing of batch) this.#queue.settle(outgoing, 'rejected');
    }
  }

  /** What has a key is sent again, in its place; of all else nobody knows what became of it. */
  #inDoubt(batch: readonly Outgoing[], startMs: number): void {
    const again = batch.filter(({ key }) => key !== undefined);
    for (const outgoing of again) outgoing.triedAtMs ??= startMs;
    this.#queue.putBack(again);
    for (const outgoing of batch)
      if (outgoing.key === undefined) this.#queue.settle(outgoing, 'unknown');
  }

  async #again(batch: readonly Outgoing[], reason: string): Promise<void> {
    this.#queue.putBack(batch);
    this.#held += 1;
    const waitMs = backoffMs(this.#held);
    this.#options.log('database_retry', { reason, attempt: this.#held, waitMs });
    await pause(waitMs, this.#stopping.signal);
  }
}

/** How a batch failed. */
interface Failed {
  readonly error: unknown;
  readonly lease: number;
  /** When it was sent. */
  readonly startMs: number;
}
