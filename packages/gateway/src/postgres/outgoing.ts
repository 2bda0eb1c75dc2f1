import { SenderTurns } from './sender-turns.ts';

/**
 * What became of a message: committed; not notified, as its key had been used; perhaps committed, perhaps
 * not; refused by PostgreSQL, and certainly not committed; never sent, as too much is waiting already, as
 * keys cannot be remembered, or as it is too long.
 */
export type Outcome =
  'committed' | 'duplicate' | 'unknown' | 'rejected' | 'overflow' | 'no_keys' | 'too_big';

/** Told once what became of a message. Must not throw. */
export type Settle = (outcome: Outcome) => void;

/** One text on its way. */
export interface Outgoing {
  readonly text: string;
  readonly bytes: number;
  /** Of a text that NOTIFY does not take: where it is to lie, and what is notified in its place. */
  readonly long: LongText | undefined;
  /** The key that keeps it from being notified twice, as `\x` and hexadecimal digits. */
  readonly key: string | undefined;
  readonly message: Message;
  /** When it was sent first, by the monotonic clock; undefined: it was not. */
  triedAtMs: number | undefined;
}

/** Where a long text lies: the id of its row, and the text that refers to it. */
export interface LongText {
  readonly id: string;
  readonly reference: string;
}

/** A message that is to be sent. */
export interface Given {
  /**
   * A text for each of its channels: an envelope, or else short. It differs from all others, which
   * PostgreSQL would fold into one.
   */
  readonly texts: readonly string[];
  /** For a message of one text: 32 bytes as `\x` and hexadecimal digits. Of all with the same one is notified. */
  readonly key?: string | undefined;
  /** Whose order is kept, and who takes turns with others. Undefined: the gateway itself. */
  readonly sender?: object | undefined;
}

/** Whether it takes a table to send this, and PostgreSQL's NOTIFY alone does not do. */
export function needsTables({ key, long }: Outgoing): boolean {
  return key !== undefined || long !== undefined;
}

/** One message: a text for each of its channels. */
interface Message {
  readonly settle: Settle;
  left: number;
  outcome: Outcome;
}

/** Of several texts the worst outcome is that of the message. */
const SEVERITY: Readonly<Record<Outcome, number>> = {
  committed: 0,
  duplicate: 1,
  no_keys: 2,
  too_big: 3,
  rejected: 4,
  unknown: 5,
  overflow: 6,
};

/**
 * Bytes of text that may be unsettled. Two seconds of what PostgreSQL takes at its fastest, or the
 * chat of some 50,000 people during an outage; what is beyond it is better refused than kept.
 */
export const QUEUE_BYTES = 16 * 1024 * 1024;

/** So many share one commit, unless their bytes are more than a batch takes. */
export const BATCH_MESSAGES = 256;
export const BATCH_BYTES = 1_048_576;

/** What is not settled: senders take turns in what is to be notified (decision 55). */
export class OutgoingQueue {
  readonly #waiting = new SenderTurns<Outgoing>();
  /** What goes before all others: batches that are to be sent again, whole or in parts. */
  readonly #ahead: (readonly Outgoing[])[] = [];
  #unsettledBytes = 0;
  #unsettledTexts = 0;
  /** Those of them that need tables. */
  #needy = 0;

  /** Whether there is any that needs tables among those that PostgreSQL has not answered for. */
  get needsTables(): boolean {
    return this.#needy > 0;
  }

  /** Whether nothing waits to be sent. */
  get isEmpty(): boolean {
    return this.#waiting.isEmpty && this.#ahead.length === 0;
  }

  /** Texts that PostgreSQL has not answered for. */
  get unsettledTexts(): number {
    return this.#unsettledTexts;
  }

  /** The bytes of these texts. */
  get unsettledBytes(): number {
    return this.#unsettledBytes;
  }

  /**
   * Takes the texts of one message, all or none: whether it did. `longs` is what is long of them, at the
   * same places; empty: nothing is.
   */
  add(
    { texts, key, sender }: Given,
    longs: readonly (LongText | undefined)[],
    settle: Settle,
  ): boolean {
    const message: Message = { settle, left: texts.length, outcome: 'committed' };
    const added = texts.map((text, place): Outgoing => {
      const bytes = Buffer.byteLength(text);
      return { text, bytes, long: longs[place], key, message, triedAtMs: undefined };
    });
    const bytes = added.reduce((sum, outgoing) => sum + outgoing.bytes, 0);
    if (this.#unsettledBytes + bytes > QUEUE_BYTES) return false;
    this.#unsettledBytes += bytes;
    this.#unsettledTexts += added.length;
    if (key !== undefined || longs.length > 0) this.#needy += added.filter(needsTables).length;
    for (const outgoing of added) this.#waiting.push(sender, outgoing);
    return true;
  }

  /** Takes out what is to be sent next, in one commit. */
  next(): readonly Outgoing[] {
    return this.#ahead.shift() ?? this.#nextBatch();
  }

  /** Puts batches back to where they were, in front of all others. */
  putBack(...batches: readonly (readonly Outgoing[])[]): void {
    this.#ahead.unshift(...batches.filter((batch) => batch.length > 0));
  }

  /** Says what became of a text that was taken out. */
  settle(outgoing: Outgoing, outcome: Outcome): void {
    const { bytes, message } = outgoing;
    this.#unsettledBytes -= bytes;
    this.#unsettledTexts -= 1;
    if (needsTables(outgoing)) this.#needy -= 1;
    if (SEVERITY[outcome] > SEVERITY[message.outcome]) message.outcome = outcome;
    message.left -= 1;
    if (message.left === 0) message.settle(message.outcome);
  }

  /** Says what became of all that waits. */
  settleAll(outcome: Outcome): void {
    while (!this.isEmpty) for (const outgoing of this.next()) this.settle(outgoing, outcome);
  }

  #nextBatch(): readonly Outgoing[] {
    const batch: Outgoing[] = [];
    let bytes = 0;
    while (batch.length < BATCH_MESSAGES) {
      const { next } = this.#waiting;
      if (next === undefined) break;
      bytes += next.bytes;
      if (batch.length > 0 && bytes > BATCH_BYTES) break;
      batch.push(next);
      this.#waiting.shift();
    }
    return batch;
  }
}
