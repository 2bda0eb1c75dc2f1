/**
 * What it costs to hand a message to many: `npm run bench:fan-out [-- --subscribers 1000 --rounds 7]`.
 * docs/performance.md says how to read it. Fails when a message is lost or comes twice.
 */
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';

import { describeFanOut } from './fan-out/describe.ts';
import { measureFanOut } from './fan-out/measure.ts';
import { peers } from './peers/all.ts';

const { values } = parseArgs({
  options: {
    subscribers: { type: 'string', default: '1000,5000,10000' },
    rounds: { type: 'string', default: '7' },
    peers: { type: 'string', default: peers.map(({ name }) => name).join(',') },
    json: { type: 'string' },
  },
});

const load = { before: loadavg(), after: loadavg() };
const cleanUps: (() => Promise<void>)[] = [];
try {
  const report = await measureFanOut(
    { after: (cleanUp) => void cleanUps.push(cleanUp) },
    {
      subscribers: values.subscribers.split(',').map(wholeNumber),
      rounds: wholeNumber(values.rounds),
      peers: values.peers.split(','),
      onStep: (step) => process.stderr.write(`${step}\n`),
    },
  );
  load.after = loadavg();
  console.log(describeFanOut(report));
  for (const peer of report.missing) console.log(`Not measured: ${peer}`);
  console.log(`\nNode ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`);
  console.log(`load ${loads(load.before)} before, ${loads(load.after)} after`);
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ load, ...report }, undefined, 2)}\n`);
} finally {
  for (const cleanUp of cleanUps.toReversed()) await cleanUp();
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new TypeError(`'${text}': expected a whole number, at least 1`);
}

function loads(averages: readonly number[]): string {
  return averages.map((average) => average.toFixed(1)).join(' ');
}
