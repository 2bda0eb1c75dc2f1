import { describe } from 'node:test';

import type { Target } from './targets.ts';

/** Groups scenarios of a target. The name tells the report of a run which target it was. */
export function describeOn(
  target: Pick<Target, 'name'>,
  what: string,
  scenarios: () => void,
): void {
  describe(`${target.name}: ${what}`, scenarios);
}
