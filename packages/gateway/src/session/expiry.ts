import type { Clock, Deadline } from './deadline.ts';
import { isOver } from './deadline.ts';

/** Whoever has an end. */
export interface Mortal {
  readonly deadline: Deadline;
  /** Called once, at or after the deadline. */
  expire(): void;
}

/** How far the two clocks may drift apart before every deadline is looked at anew. */
const DRIFT_MS = 100;

/** A mass expiry is closed in slices, so that nobody waits for the loop; delivery is cut already. */
const SLICE = 500;

/** To look at somebody whose time has not come takes a hundredth of that. */
const MOST_LOOKS = 10_000;

const SECOND_MS = 1000;

/**
 * Finds idle sessions whose time is over, in buckets of one second: one timer for all of them, and
 * none long enough to overflow (Node fires a timer of 2^31 ms at once). Not what cuts a session
 * off: that is the comparison before each write. This one finds those to whom nothing happens.
 */
export class ExpiryWheel {
  readonly #clock: Clock;
  readonly #buckets = new Map<number, Set<Mortal>>();
  #timer: NodeJS.Timeout | undefined;
  #slice: NodeJS.Immediate | undefined;
  /** Buckets that are gone through, and how far. */
  #due: IterableIterator<Mortal>[] = [];

  /** Wall minus monotonic time, as it stood when the buckets were filled. */
  #offsetMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#offsetMs = clock.wallMs() - clock.monotonicMs();
  }

  /** Starts ticking, on whole seconds of the wall clock, where tokens end. */
  start(): void {
    const untilNextSecond = SECOND_MS - (this.#clock.wallMs() % SECOND_MS);
    this.#timer = setTimeout(() => {
      this.tick();
      this.start();
    }, untilNextSecond);
    this.#timer.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#slice);
    this.#due = [];
  }

  /** A deadline that never comes costs nothing. */
  add(mortal: Mortal): void {
    const second = this.#secondOf(mortal.deadline);
    if (second === Infinity) return;
    const bucket = this.#buckets.get(second) ?? new Set();
    this.#buckets.set(second, bucket.add(mortal));
  }

  /** Takes one out again; harmless when it is not in. */
  remove(mortal: Mortal): void {
    const second = this.#secondOf(mortal.deadline);
    const bucket = this.#buckets.get(second);
    if (bucket?.delete(mortal) === true && bucket.size === 0) this.#buckets.delete(second);
  }

  /** Ends everybody who is due, the first slice at once. */
  tick(): void {
    const nowMs = this.#now();
    for (const [second, bucket] of this.#buckets) {
      // Its second may still be under way; of one that has only begun the next tick will do.
      if ((second - 1) * SECOND_MS + DRIFT_MS > nowMs) continue;
      this.#due.push(bucket.values());
    }
    if (this.#slice === undefined) this.#endSlice();
  }

  #endSlice(): void {
    this.#slice = undefined;
    let ended = 0;
    for (let looks = 0; ended < SLICE && looks < MOST_LOOKS; looks += 1) {
      const mortal = this.#nextDue();
      if (mortal === undefined) return;
      // The clocks decide, not the bucket: a tick on the whole second can seem to come a moment before it.
      if (!isOver(mortal.deadline, this.#clock)) continue;
      this.remove(mortal);
      mortal.expire();
      ended += 1;
    }
    this.#slice = setImmediate(() => this.#endSlice());
  }

  /** Whoever is to be looked at next; undefined: nobody. */
  #nextDue(): Mortal | undefined {
    for (let due = this.#due[0]; due !== undefined; due = this.#due[0]) {
      const { value: mortal } = due.next();
      if (mortal !== undefined) return mortal;
      this.#due.shift();
    }
    return undefined;
  }

  /** Buckets are seconds of wall time, of a wall clock that the monotonic one drives. */
  #secondOf(deadline: Deadline): number {
    const wallMs = Math.min(deadline.wallMs, deadline.monotonicMs + this.#offsetMs);
    return Math.ceil(wallMs / SECOND_MS);
  }

  #now(): number {
    const offsetMs = this.#clock.wallMs() - this.#clock.monotonicMs();
    if (Math.abs(offsetMs - this.#offsetMs) > DRIFT_MS) this.#refill(offsetMs);
    return this.#clock.monotonicMs() + this.#offsetMs;
  }

  #refill(offsetMs: number): void {
    const mortals = [...this.#buckets.values()].flatMap((bucket) => [...bucket]);
    this.#buckets.clear();
    this.#due = [];
    this.#offsetMs = offsetMs;
    for (const mortal of mortals) this.add(mortal);
  }
}
