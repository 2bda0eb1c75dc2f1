import { performance } from 'node:perf_hooks';

/** The two clocks a session's end is kept on. Passed in, so that tests can turn them. */
export interface Clock {
  /** UNIX time in milliseconds. May jump, both ways. */
  wallMs(): number;
  /** Milliseconds since any fixed moment. Never goes back; may stand still while the machine sleeps. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/** The end of a session on both clocks: over when either says so. `Infinity` means never. */
export interface Deadline {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/** An end that never comes: one for all that have none. */
export const NEVER: Deadline = { wallMs: Infinity, monotonicMs: Infinity };

/** The moment `wallMs` (UNIX milliseconds), pinned to both clocks as they stand now. */
export function deadlineAt(wallMs: number, clock: Clock): Deadline {
  return {
    wallMs,
    monotonicMs: clock.monotonicMs() + (wallMs - clock.wallMs()),
  };
}

/** The end that comes first: over as soon as either of them is. */
export function earlier(one: Deadline, other: Deadline): Deadline {
  return {
    wallMs: Math.min(one.wallMs, other.wallMs),
    monotonicMs: Math.min(one.monotonicMs, other.monotonicMs),
  };
}

/**
 * A wall clock set back cannot extend a session, since the monotonic one goes on; a machine that
 * slept cannot either, since the wall clock went on. Two comparisons: runs before each write.
 */
export function isOver(deadline: Deadline, clock: Clock): boolean {
  return deadline.wallMs <= clock.wallMs() || deadline.monotonicMs <= clock.monotonicMs();
}
