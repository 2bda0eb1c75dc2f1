/**
 * What sessions cost while they last and as they end: `npm run bench:sessions [-- --part deadline,expiry
 * --json FILE]`. docs/performance.md says how to read it. Fails when anything goes otherwise than it should.
 */
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';

import { measureDeadline } from '../tests/load/deadline-cost.ts';
import { measureExpiry, plansFor } from '../tests/load/expiry-load.ts';
import type { ExpiryRow } from '../tests/load/expiry-load.ts';
import { measureStorms } from '../tests/load/refresh-storm.ts';
import { describeDeadline, describeExpiry, describeStorms } from '../tests/load/session-report.ts';
import { withScope } from '../tests/load/with-scope.ts';
import type { Scope } from '../tests/support/postgres.ts';
import { describeMachine, machine } from './machine.ts';

/** Deliveries to each gateway before any counts: as for handshakes, code is compiled in them. */
const WARM_UP_ROUNDS = 8;
/** Seconds in which the sessions of a plan wait. */
const WAIT_SECONDS = 15;

const { values } = parseArgs({
  options: {
    part: { type: 'string', default: 'deadline,expiry,refresh' },
    rounds: { type: 'string', default: '60' },
    runs: { type: 'string', default: '5' },
    json: { type: 'string' },
  },
});
const numbers = { rounds: wholeNumber('rounds'), runs: wholeNumber('runs') };

/** Each measures, prints, and returns what it has measured. */
const parts: Readonly<Record<string, (scope: Scope) => Promise<unknown>>> = {
  deadline: async (scope) => {
    const report = await measureDeadline(scope, {
      subscribers: 1_000,
      notifications: 20,
      warmUpRounds: WARM_UP_ROUNDS,
      rounds: numbers.rounds,
      onRound: (round) => tell(`round ${round} of ${numbers.rounds}`),
    });
    console.log(describeDeadline(report));
    return report;
  },
  expiry: async (scope) => {
    const rows: ExpiryRow[] = [];
    for (const plan of plansFor(100_000, WAIT_SECONDS)) {
      tell(plan.name);
      rows.push(await measureExpiry(scope, plan, numbers.runs));
    }
    console.log(describeExpiry(rows));
    return rows;
  },
  refresh: async (scope) => {
    const storms = await measureStorms(scope, {
      sessions: 5_000,
      listeners: 100,
      quietSeconds: 60,
      // Code is compiled in the first.
      stormSeconds: [10, 60, 10],
      onPart: tell,
    });
    console.log(describeStorms(storms));
    return storms;
  },
};

const report: Record<string, unknown> = { machine };
for (const name of values.part.split(',')) {
  const measure = parts[name];
  if (measure === undefined)
    throw new TypeError(`--part: expected some of ${Object.keys(parts).join(', ')}`);
  const before = loadavg();
  const measured = await withScope(measure);
  const load = { before, after: loadavg() };
  console.log(`load ${loads(load.before)} before, ${loads(load.after)} after\n`);
  report[name] = { load, measured };
}
console.log(describeMachine(machine));
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`);

function tell(what: string): void {
  process.stderr.write(`${what}\n`);
}

function wholeNumber(name: 'rounds' | 'runs'): number {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new TypeError(`--${name}: expected a whole number, at least 1`);
}

function loads(averages: readonly number[]): string {
  return averages.map((average) => average.toFixed(1)).join(' ');
}
