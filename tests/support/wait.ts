import { once } from 'node:events';
import type { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

/** What comes at all comes within this, on a machine that has much else to do. No test measures by it. */
const PATIENCE_MS = 30_000;
/** Between two looks: the longer the wait has been, the longer, as what is looked for costs CPU each time. */
const POLL_MS = { least: 10, most: 100, ofWait: 0.01 };

/**
 * Waits until `check` returns something other than `false` or `undefined`, and returns that. Throws
 * an error that says what did not come when it has not within `deadlineMs` (30 s by default).
 */
export async function until<T>(
  what: string,
  check: () => T | false | undefined | Promise<T | false | undefined>,
  deadlineMs = PATIENCE_MS,
): Promise<T> {
  const startMs = performance.now();
  const endMs = startMs + deadlineMs;
  while (performance.now() < endMs) {
    const result = await inTime(what, Promise.resolve(check()), endMs - performance.now());
    if (result !== false && result !== undefined) return result;
    const waitMs = (performance.now() - startMs) * POLL_MS.ofWait;
    await delay(Math.min(Math.max(waitMs, POLL_MS.least), POLL_MS.most));
  }
  throw notCome(what, deadlineMs);
}

/** Waits for `promise`. Throws an error that says what did not come when it has not settled in time. */
export async function inTime<T>(
  what: string,
  promise: Promise<T>,
  deadlineMs = PATIENCE_MS,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(notCome(what, deadlineMs)), deadlineMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Waits for an event and returns its arguments. Throws an error that names it when it does not come. */
export function event(
  emitter: EventEmitter,
  name: string,
  deadlineMs = PATIENCE_MS,
): Promise<unknown[]> {
  return inTime(`the event '${name}'`, once(emitter, name), deadlineMs);
}

function notCome(what: string, deadlineMs: number): Error {
  return new Error(`Waited ${Math.round(deadlineMs)} ms in vain for ${what}`);
}
