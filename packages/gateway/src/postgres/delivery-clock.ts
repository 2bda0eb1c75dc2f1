const MICROS = 1_000_000;

/**
 * Tells when messages are delivered, in whole microseconds since 1970, and never the same time
 * twice: PostgreSQL folds equal notifications of one transaction into one, and the time is what
 * keeps two equal messages apart. While the wall clock stands still, or has been set back, it
 * creeps ahead by a microsecond a message.
 */
export class DeliveryClock {
  readonly #nowMs: () => number;
  #lastMicros = 0;

  /** `nowMs` is wall time in milliseconds since 1970, with or without a fraction. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** The time of one more message as UNIX seconds: a plain decimal with six fraction digits. */
  next(): string {
    this.#lastMicros = Math.max(this.#lastMicros + 1, Math.floor(this.#nowMs() * 1000));
    const seconds = Math.floor(this.#lastMicros / MICROS);
    // A million more keeps the leading zeros of the fraction.
    return `${seconds}.${String((this.#lastMicros % MICROS) + MICROS).slice(1)}`;
  }
}
