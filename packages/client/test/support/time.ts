import type { TestContext } from 'node:test';

/** When it is in tests whose time stands still, in milliseconds. */
export const NOW_MS = 1_800_000_000_000;

/** What a timer starts is late by as much as one step at the most. */
const STEP_MS = 100;

/** Stops the time of a test, and all timers with it; those that it had before are forgotten. */
export function stopTime({ mock }: TestContext): void {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: NOW_MS });
}

/** Lets time pass in steps, so that what is begun by one timer can end by the next. */
export function pass({ mock }: TestContext, ms: number): void {
  for (let left = ms; left > 0; left -= STEP_MS) mock.timers.tick(Math.min(left, STEP_MS));
}
