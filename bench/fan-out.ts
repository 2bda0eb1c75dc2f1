/**
 * What it costs to hand a message to many: `npm run bench:fan-out [-- --subscribers 1000 --rounds 5]`.
 * docs/performance.md says how to read it. Fails when a message is lost or comes twice.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { withScope } from '../tests/load/with-scope.ts';
import { describeFanOut } from './fan-out/describe.ts';
import { measureFanOut } from './fan-out/measure.ts';
import { describeMachine, loadOfMinute, machine } from './machine.ts';
import { peers } from './peers/all.ts';

const { values } = parseArgs({
  options: {
    subscribers: { type: 'string', default: '1000,5000,10000' },
    rounds: { type: 'string', default: '5' },
    peers: { type: 'string', default: peers.map(({ name }) => name).join(',') },
    json: { type: 'string' },
  },
});
const options = {
  subscribers: values.subscribers.split(',').map(wholeNumber),
  rounds: wholeNumber(values.rounds),
  peers: values.peers.split(','),
  onStep: (step: string) => void process.stderr.write(`${step}\n`),
};

const loadBefore = loadOfMinute();
const report = await withScope((scope) => measureFanOut(scope, options));
const load = { before: loadBefore, after: loadOfMinute() };
console.log(describeFanOut(report));
console.log(describeMachine(machine));
console.log(`load ${load.before.toFixed(1)} before, ${load.after.toFixed(1)} after`);
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ machine, load, ...report }, undefined, 2)}\n`);

function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new TypeError(`'${text}': expected a whole number, at least 1`);
}
