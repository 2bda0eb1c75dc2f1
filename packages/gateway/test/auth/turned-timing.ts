import type { Timing } from '#gateway/auth/timing.js';

/** A clock that stands still until a test turns it, and fires timers on its way. */
export class TurnedTiming implements Timing {
  #nowMs = 0;
  readonly #timers = new Map<() => void, number>();

  nowMs(): number {
    return this.#nowMs;
  }

  after(ms: number, run: () => void): () => void {
    // Each timer is a key of its own, also when two run the same function.
    const timer = (): void => run();
    this.#timers.set(timer, this.#nowMs + ms);
    return () => void this.#timers.delete(timer);
  }

  /** Lets time pass, timer by timer, each with everything that follows from it. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settled();
    for (;;) {
      const [next] = [...this.#timers].toSorted(([, one], [, other]) => one - other);
      if (next === undefined || next[1] > endMs) break;
      this.#nowMs = next[1];
      this.#timers.delete(next[0]);
      next[0]();
      await settled();
    }
    this.#nowMs = endMs;
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.size;
  }
}

/** Everything that only waits for promises has happened. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
