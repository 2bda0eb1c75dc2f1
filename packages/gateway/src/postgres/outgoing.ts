/**
 * What became of a message: committed; not notified, as its key had been used; perhaps committed, perhaps
 * not; refused by PostgreSQL, and certainly not committed; never sent, as too much is waiting already; or
 * never sent, as keys cannot be remembered.
 */
export type Outcome = 'committed' | 'duplicate' | 'unknown' | 'rejected' | 'overflow' | 'no_keys';

/** Told once what became of a message. Must not throw. */
export type Settle = (outcome: Outcome) => void;

/** One text on its way. */
export interface Outgoing {
  readonly text: string;
  readonly bytes: number;
  /** The key that keeps it from being notified twice, as `\x` and hexadecimal digits. */
  readonly key: string | undefined;
  readonly message: Message;
  /** When it was sent first, by the monotonic clock; undefined: it was not. */
  triedAtMs: number | undefined;
}

/** One message: a text for each of its channels. */
interface Message {
  readonly settle: Settle;
  left: number;
  outcome: Outcome;
}

/** Of several texts the worst outcome is that of the message. */
const SEVERITY: readonly Outcome[] = [
  'committed',
  'duplicate',
  'no_keys',
  'rejected',
  'unknown',
  'overflow',
];

/**
 * Bytes of text that may be unsettled. Two seconds of what PostgreSQL takes at its fastest, or the
 * chat of some 50,000 people during an outage; what is beyond it is better refused than kept.
 */
export const QUEUE_BYTES = 16 * 1024 * 1024;

/** So many share one commit, unless their bytes are more than a batch takes. */
const BATCH_MESSAGES = 128;
const BATCH_BYTES = 1_048_576;

/** What is not settled, in the order in which it is to be notified. */
export class OutgoingQueue {
  readonly #queue: Outgoing[] = [];
  /** What goes before the queue: batches that are to be sent again, whole or in parts. */
  readonly #ahead: (readonly Outgoing[])[] = [];
  #unsettledBytes = 0;
  #unsettledTexts = 0;
  #unsettledKeys = 0;

  /** Whether any text has a key that PostgreSQL has not answered for. */
  get hasKeys(): boolean {
    return this.#unsettledKeys > 0;
  }

  /** Whether nothing waits to be sent. */
  get isEmpty(): boolean {
    return this.#queue.length + this.#ahead.length === 0;
  }

  /** Texts that PostgreSQL has not answered for. */
  get unsettledTexts(): number {
    return this.#unsettledTexts;
  }

  /** The bytes of these texts. */
  get unsettledBytes(): number {
    return this.#unsettledBytes;
  }

  /** Takes the texts of one message, all or none: whether it did. */
  add(texts: readonly string[], settle: Settle, key: string | undefined): boolean {
    const message: Message = { settle, left: texts.length, outcome: 'committed' };
    const added = texts.map((text): Outgoing => {
      return { text, bytes: Buffer.byteLength(text), key, message, triedAtMs: undefined };
    });
    const bytes = added.reduce((sum, outgoing) => sum + outgoing.bytes, 0);
    if (this.#unsettledBytes + bytes > QUEUE_BYTES) return false;
    this.#unsettledBytes += bytes;
    this.#unsettledTexts += added.length;
    if (key !== undefined) this.#unsettledKeys += added.length;
    this.#queue.push(...added);
    return true;
  }

  /** Takes out what is to be sent next, in one commit. */
  next(): readonly Outgoing[] {
    return this.#ahead.shift() ?? this.#queue.splice(0, this.#batchLength());
  }

  /** Puts batches back to where they were, in front of all others. */
  putBack(...batches: readonly (readonly Outgoing[])[]): void {
    this.#ahead.unshift(...batches.filter((batch) => batch.length > 0));
  }

  /** Says what became of texts that were taken out. */
  settle(batch: readonly Outgoing[], outcome: Outcome): void {
    for (const { bytes, key, message } of batch) {
      this.#unsettledBytes -= bytes;
      this.#unsettledTexts -= 1;
      if (key !== undefined) this.#unsettledKeys -= 1;
      if (SEVERITY.indexOf(outcome) > SEVERITY.indexOf(message.outcome)) message.outcome = outcome;
      message.left -= 1;
      if (message.left === 0) message.settle(message.outcome);
    }
  }

  /** Says what became of all that waits. */
  settleAll(outcome: Outcome): void {
    this.settle([...this.#ahead.splice(0).flat(), ...this.#queue.splice(0)], outcome);
  }

  #batchLength(): number {
    let bytes = 0;
    const end = this.#queue.findIndex((outgoing, index) => {
      bytes += outgoing.bytes;
      return index >= BATCH_MESSAGES || (index > 0 && bytes > BATCH_BYTES);
    });
    return end === -1 ? this.#queue.length : end;
  }
}
