import { setTimeout as wait } from 'node:timers/promises';

/** Something that runs until it is stopped. Stopping it twice is harmless. */
export interface Part {
  readonly name: string;
  readonly start?: (() => Promise<void> | void) | undefined;
  readonly stop: () => Promise<void> | void;
}

/**
 * Starts parts in order and stops those that were started in reverse. A part without a start counts as
 * started from the beginning. One that does not stop in time, or fails at it, is reported and left
 * behind: the others are stopped all the same.
 */
export class Lifecycle {
  readonly #parts: readonly Part[];
  readonly #deadlineMs: number;
  readonly #onLate: (part: string, error: unknown) => void;
  readonly #started: Set<Part>;
  #stopping: Promise<void> | undefined;

  /** `deadlineMs`: how long each part may take to stop. */
  constructor(
    parts: readonly Part[],
    deadlineMs: number,
    onLate: (part: string, error: unknown) => void,
  ) {
    this.#parts = parts;
    this.#started = new Set(parts.filter(({ start }) => start === undefined));
    this.#deadlineMs = deadlineMs;
    this.#onLate = onLate;
  }

  /** Rejects with what the first part that cannot start threw; those before it go on running. */
  async start(): Promise<void> {
    for (const part of this.#parts) {
      if (this.#stopping !== undefined) return;
      this.#started.add(part);
      await part.start?.();
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<void> {
    for (const part of this.#parts.toReversed()) {
      if (!this.#started.has(part)) continue;
      try {
        await withDeadline(Promise.resolve(part.stop()), this.#deadlineMs);
      } catch (error) {
        this.#onLate(part.name, error);
      }
    }
  }
}

async function withDeadline(work: Promise<void>, ms: number): Promise<void> {
  const done = new AbortController();
  const late = wait(ms, undefined, { signal: done.signal }).then(() => {
    throw new Error(`Did not stop within ${ms} ms`);
  });
  // Whoever loses the race still settles: the timer is aborted, and its rejection is of no interest.
  late.catch(() => undefined);
  try {
    await Promise.race([work, late]);
  } finally {
    done.abort();
  }
}
