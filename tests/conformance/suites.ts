import { describe } from 'node:test';

import { failOnLeaksTogether } from '../support/leaks.ts';
import type { Target } from './targets.ts';

/** Scenarios of one target that run at the same time: more would make each other wait. */
const AT_A_TIME = 6;

/** Groups scenarios of a target. The name tells the report of a run which target it was. */
export function describeOn(
  target: Pick<Target, 'name'>,
  what: string,
  scenarios: () => void,
): void {
  describe(`${target.name}: ${what}`, scenarios);
}

/**
 * The same for all targets at once, for scenarios that leave each other alone: each has clients and channels
 * of its own.
 */
export function describeOnAll(
  targets: readonly Target[],
  what: string,
  scenarios: (target: Target) => void,
): void {
  describe(what, { concurrency: true }, () => {
    failOnLeaksTogether();
    for (const target of targets)
      describe(`${target.name}: ${what}`, { concurrency: AT_A_TIME }, () => scenarios(target));
  });
}
