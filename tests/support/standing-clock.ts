import type { Clock } from '#gateway/session/deadline.js';

/** Clocks that go on when a test says so, and not by themselves: an edge can be met to the millisecond. */
export class StandingClock implements Clock {
  /** A whole second, as the times in tokens are. */
  readonly #startMs = Math.floor(Date.now() / 1000) * 1000;
  #passedMs = 0;

  wallMs(): number {
    return this.#startMs + this.#passedMs;
  }

  monotonicMs(): number {
    return this.#passedMs;
  }

  /** Wall time in UNIX seconds, `offset` seconds from now. */
  inSeconds(offset: number): number {
    return this.wallMs() / 1000 + offset;
  }

  /** Time passes, for both. */
  pass(ms: number): void {
    this.#passedMs += ms;
  }
}
