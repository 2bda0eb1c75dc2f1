/**
 * What a handshake costs: `npm run bench:handshakes [-- --rounds 15 --batch 500 --profile 3 --json FILE]`.
 * Every way in, by turns, against gateways in processes of their own; docs/performance.md says how to
 * read it. Fails when any handshake is answered otherwise than it should be.
 */
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';

import { describeHandshakes } from '../tests/load/handshake-report.ts';
import { measureHandshakes } from '../tests/load/handshakes.ts';
import { withScope } from '../tests/load/with-scope.ts';
import { describeMachine, machine } from './machine.ts';

/** Of each way in. The first cost six times as much as those after some thousand: code is compiled. */
const WARM_UP_HANDSHAKES = 6_000;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    batch: { type: 'string', default: '500' },
    profile: { type: 'string', default: '3' },
    json: { type: 'string' },
  },
});

const loadBefore = loadavg();
const report = await withScope((scope) =>
  measureHandshakes(scope, {
    warmUpRounds: Math.ceil(WARM_UP_HANDSHAKES / wholeNumber('batch', 1)),
    rounds: wholeNumber('rounds', 1),
    batch: wholeNumber('batch', 1),
    profiledRounds: wholeNumber('profile', 0),
    onRound: (round) => process.stderr.write(`round ${round} of ${values.rounds}\n`),
  }),
);
const load = { before: loadBefore, after: loadavg() };
console.log(describeHandshakes(report));
console.log(
  `\n${describeMachine(machine)}, load ${loads(load.before)} before, ${loads(load.after)} after`,
);
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ machine, load, ...report }, undefined, 2)}\n`);

function wholeNumber(name: 'rounds' | 'batch' | 'profile', least: number): number {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= least) return value;
  throw new TypeError(`--${name}: expected a whole number, at least ${least}`);
}

function loads(averages: readonly number[]): string {
  return averages.map((average) => average.toFixed(1)).join(' ');
}
