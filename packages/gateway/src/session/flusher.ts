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
  /** Never made smaller: it would have to grow again, a little for each who is owed something. */
  readonly #owed: (Owed | undefined)[] = [];
  #count = 0;
  /** How many of these have had their turn. */
  #done = 0;

  /** Has it flushed. Asked for once by whoever is owed something: see {@link Owed}. */
  add(owed: Owed): void {
    if (this.#count === 0) setImmediate(this.#flush);
    this.#owed[this.#count] = owed;
    this.#count += 1;
  }

  readonly #flush = (): void => {
    const endMs = performance.now() + SLICE_MS;
    try {
      do {
        this.#flushTo(Math.min(this.#done + STRIDE, this.#count));
      } while (this.#done < this.#count && performance.now() < endMs);
    } finally {
      // A bug at one of them may be survived by the program, and must not silence all others.
      this.#goOn();
    }
  };

  #goOn(): void {
    if (this.#done < this.#count) {
      setImmediate(this.#flush);
      return;
    }
    this.#count = 0;
    this.#done = 0;
    this.none.forget();
  }

  #flushTo(end: number): void {
    for (; this.#done < end; this.#done += 1) {
      const owed = this.#owed[this.#done];
      this.#owed[this.#done] = undefined;
      owed?.flush();
    }
  }
}
