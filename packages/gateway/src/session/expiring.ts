import type { Clock, Deadline } from './deadline.ts';
import { isOver, NEVER } from './deadline.ts';
import type { ExpiryWheel, Mortal } from './expiry.ts';
import type { Session } from './session.ts';

/** What a warning takes. */
export interface ExpiringParts {
  readonly clock: Clock;
  /** Finds those who are to be warned. */
  readonly wheel: ExpiryWheel;
  /** From 0 up to 1. Default: `Math.random`. */
  readonly random?: () => number;
}

/** Whoever is to be warned. */
export interface Warned {
  /** The token counts for so many seconds more, with a fraction. */
  warn(seconds: number): void;
}

const SHORTEST_MS = 30_000;
const LONGEST_MS = 300_000;
/** Of the time that a token has left when it is shown. */
const SHARE = 0.1;
/** Many tokens end at the same second, and not all of their clients should ask for new ones at once. */
const JITTER = 0.2;

/** Warns the client of one session, once for each token that it shows, before that token ends. */
export class Expiring implements Mortal {
  readonly #session: Session;
  readonly #parts: ExpiringParts;
  readonly #warned: Warned;
  #deadline = NEVER;

  constructor(session: Session, parts: ExpiringParts, warned: Warned) {
    this.#session = session;
    this.#parts = parts;
    this.#warned = warned;
  }

  /** When the warning is due, for the wheel. */
  get deadline(): Deadline {
    return this.#deadline;
  }

  /** A token was shown. What is near its end already is warned of at once. */
  arm(): void {
    this.disarm();
    const { deadline, endsWithToken } = this.#session;
    const leftMs = this.#leftMs();
    // With another token a session does not grow younger.
    if (!endsWithToken || leftMs === Infinity) return;

    const { random = Math.random, wheel } = this.#parts;
    const usualMs = Math.min(Math.max(leftMs * SHARE, SHORTEST_MS), LONGEST_MS);
    const aheadMs = usualMs * (1 - JITTER + 2 * JITTER * random());
    if (leftMs <= aheadMs) return this.#warn();
    const { wallMs, monotonicMs } = deadline;
    this.#deadline = { wallMs: wallMs - aheadMs, monotonicMs: monotonicMs - aheadMs };
    wheel.add(this);
  }

  /** Nobody is to be warned any more. Harmless when nobody was. */
  disarm(): void {
    this.#parts.wheel.remove(this);
    this.#deadline = NEVER;
  }

  /** The warning is due; unless another token was shown since it was found to be, as many were at once. */
  expire(): void {
    if (!isOver(this.#deadline, this.#parts.clock)) return;
    this.#deadline = NEVER;
    this.#warn();
  }

  #warn(): void {
    this.#warned.warn(Math.max(0, Math.floor(this.#leftMs())) / 1000);
  }

  #leftMs(): number {
    const { deadline } = this.#session;
    const { clock } = this.#parts;
    return Math.min(deadline.wallMs - clock.wallMs(), deadline.monotonicMs - clock.monotonicMs());
  }
}
