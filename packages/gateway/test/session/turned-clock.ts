import type { Clock } from '#gateway/session/deadline.js';

/** Two clocks that move only when a test says so. */
export class TurnedClock implements Clock {
  #wallMs: number;
  #monotonicMs = 5_000;

  constructor(wallMs = 1_800_000_000_000) {
    this.#wallMs = wallMs;
  }

  wallMs(): number {
    return this.#wallMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** Time passes on both clocks. */
  pass(ms: number): void {
    this.#wallMs += ms;
    this.#monotonicMs += ms;
  }

  /** Somebody sets the wall clock, or the machine slept: only that one moves. */
  setWall(ms: number): void {
    this.#wallMs += ms;
  }
}
