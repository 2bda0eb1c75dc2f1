import { setTimeout as delay } from 'node:timers/promises';

/** How far it may fall behind before it no longer catches up. */
const MOST_BEHIND_MS = 200;

/** Turns at a rate: what was late is made up for, up to a point. */
export class Pace {
  readonly #everyMs: number;
  #dueMs = 0;

  constructor(perSecond: number) {
    this.#everyMs = 1_000 / perSecond;
  }

  /** Waits until it is time for the next one. */
  async turn(): Promise<void> {
    const nowMs = performance.now();
    this.#dueMs = Math.max(this.#dueMs + this.#everyMs, nowMs - MOST_BEHIND_MS);
    if (this.#dueMs > nowMs) await delay(this.#dueMs - nowMs);
  }
}
