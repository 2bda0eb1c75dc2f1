/**
 * The bench: `npm run bench [-- --part memory,start --quick --json FILE --publish]`. Measures all that has
 * a bar, and says which are met. docs/performance.md says how to read it. Fails when anything is answered
 * otherwise than it should be, and not because a bar is missed.
 */
import { parseArgs } from 'node:util';

import { withScope } from '../tests/load/with-scope.ts';
import type { Scope } from '../tests/support/postgres.ts';
import { describeMachine, loadOfMinute, machine } from './machine.ts';
import { measureDeadlines } from './parts/deadlines.ts';
import { measureWaysIn } from './parts/handshakes.ts';
import { measureMemory } from './parts/memory.ts';
import { measureStart } from './parts/start.ts';
import type { BenchReport, Effort, Measured, PartReport } from './report/report.ts';
import { LATEST, writeReport } from './report/results.ts';
import { describeBars, describePart } from './report/text.ts';

interface Part {
  readonly title: string;
  readonly measure: (scope: Scope, effort: Effort) => Promise<Measured>;
}

const parts: Readonly<Record<string, Part>> = {
  handshakes: { title: 'Handshakes a second and core, by credential', measure: measureWaysIn },
  memory: { title: 'Memory of an idle session', measure: measureMemory },
  deadlines: { title: 'Sessions that wait for their end', measure: measureDeadlines },
  start: { title: 'Start', measure: measureStart },
};

const { values } = parseArgs({
  options: {
    part: { type: 'string', default: Object.keys(parts).join(',') },
    quick: { type: 'boolean', default: false },
    json: { type: 'string', default: LATEST },
  },
});
const effort = values.quick ? 'quick' : 'full';
const chosen = values.part.split(',').map((name) => {
  const part = parts[name];
  if (part !== undefined) return { name, ...part };
  throw new TypeError(`--part: expected some of ${Object.keys(parts).join(', ')}`);
});

const startedAt = new Date().toISOString();
const reports: PartReport[] = [];
for (const part of chosen) {
  process.stderr.write(`${part.title} …\n`);
  const report = await carryOut(part);
  console.log(describePart(report));
  reports.push(report);
}
const report: BenchReport = { startedAt, effort, machine, parts: reports };
console.log(`${describeBars(report)}\n\n${describeMachine(machine)}`);
writeReport(values.json, report);

async function carryOut({ name, title, measure }: Part & { name: string }): Promise<PartReport> {
  const loadBefore = loadOfMinute();
  const startMs = performance.now();
  const measured = await withScope((scope) => measure(scope, effort));
  const seconds = (performance.now() - startMs) / 1000;
  return { name, title, seconds, loadBefore, loadAfter: loadOfMinute(), ...measured };
}
