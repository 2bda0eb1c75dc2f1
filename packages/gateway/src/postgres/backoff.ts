import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_WAIT_MS = 500;
/** PostgreSQL that is back is found within this time, whatever the outage lasted. */
const LONGEST_WAIT_MS = 5_000;

/**
 * Milliseconds to wait after the given number of failures in a row, from 1: doubled each time, up
 * to 5 s, then cut by up to a half at random, so that many gateways do not return at once.
 */
export function backoffMs(failures: number): number {
  const wholeMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(failures - 1, 10));
  return Math.round(wholeMs * (1 - Math.random() / 2));
}

/** Waits, but no longer than until `signal` aborts. Never rejects. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    // The only way for a sleep to fail is its signal, and that is what the caller looks at next.
  }
}

/** As {@link pause}, for work that keeps no program alive by itself. */
export async function rest(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal, ref: false });
  } catch {
    // As above.
  }
}
