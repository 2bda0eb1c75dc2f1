import type { Clock } from '#gateway/session/deadline.js';

/** The system's clocks, which a test can make jump. */
export class JumpingClock implements Clock {
  #wallOffsetMs = 0;
  #monotonicOffsetMs = 0;

  wallMs(): number {
    return Date.now() + this.#wallOffsetMs;
  }

  monotonicMs(): number {
    return performance.now() + this.#monotonicOffsetMs;
  }

  /** Wall time in whole UNIX seconds, `offset` seconds from now. */
  inSeconds(offset: number): number {
    return Math.floor(this.wallMs() / 1000) + offset;
  }

  /** Somebody sets the clock, or the machine slept and only this one went on. */
  jumpWall(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  /** Time passes, for both. */
  pass(ms: number): void {
    this.#wallOffsetMs += ms;
    this.#monotonicOffsetMs += ms;
  }
}
