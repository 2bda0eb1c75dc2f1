import { performance } from 'node:perf_hooks';
import { Run } from './run.ts';

/** Whoever is owed something. */
export interface Owed {
  /** Writes what it is owed. Harmless when that is nothing. */
  flush(): void;
}

/** So long a turn of the event loop may write: what else there is to do comes in between. */
const SLICE_MS = 10;

/** Writes between two looks at the clock. */
const STRIDE = 64;

/**
 * Has what sockets are owed written at the end of the turn of the event loop in which it came: one write
 * for each of them, however many frames. Where that takes long it goes on in the next turns, in the order
 * in which it was asked for, and what is owed meanwhile to those whose turn has not come goes with it.
 */
export class Flusher {
  /** What every run begins with. */
  readonly none = new Run();
  #owed: Owed[] = [];
  /** How many of these have had their turn. */
  #done = 0;

  /** Has it flushed. Asked for once by whoever is owed something: see {@link Owed}. */
  add(owed: Owed): void {
    if (this.#owed.length === 0) setImmediate(this.#flush);
    this.#owed.push(owed);
  }

  readonly #flush = (): void => {
    const endMs = performance.now() + SLICE_MS;
    do {
      const strideEnd = Math.min(this.#done + STRIDE, this.#owed.length);
      for (; this.#done < strideEnd; this.#done += 1) this.#owed[this.#done]?.flush();
    } while (this.#done < this.#owed.length && performance.now() < endMs);

    if (this.#done < this.#owed.length) {
      setImmediate(this.#flush);
      return;
    }
    this.#owed = [];
    this.#done = 0;
    this.none.forget();
  };
}
