/**
 * The bench: `npm run bench [-- --part memory,start --quick --json FILE --plots FOLDER | --publish]`. Measures
 * all that has a bar, and says which are met. docs/performance.md says how to read it. Fails when anything is
 * answered otherwise than it should be, and not because a bar is missed.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { withScope } from '../tests/load/with-scope.ts';
import type { Scope } from '../tests/support/postgres.ts';
import { loadOfMinute, machine } from './machine.ts';
import { measureDeadlines } from './parts/deadlines.ts';
import { measureDeliveries } from './parts/fan-out.ts';
import { measureWaysIn } from './parts/handshakes.ts';
import { measureLatency } from './parts/latency.ts';
import { measureMemory } from './parts/memory.ts';
import { measurePublishes } from './parts/publishing.ts';
import { measureStart } from './parts/start.ts';
import type { BenchReport, Effort, Measured, PartReport } from './report/report.ts';
import { describeRun } from './report/run.ts';
import { LATEST, PUBLISHED, writePlots, writeReport } from './report/results.ts';
import { describeBars, describePart } from './report/text.ts';
import { findVersions } from './versions.ts';

/** Writes the tables and plots of docs/performance.md, by the published figures. */
const DOCS = fileURLToPath(new URL('../scripts/docs.js', import.meta.url));

interface Part {
  readonly title: string;
  readonly measure: (scope: Scope, effort: Effort) => Promise<Measured>;
}

const parts: Readonly<Record<string, Part>> = {
  'fan-out': { title: 'Fan-out: CPU time of a delivery', measure: measureDeliveries },
  latency: { title: 'From SQL to a client', measure: measureLatency },
  publishing: { title: 'Publishing by clients', measure: measurePublishes },
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
    plots: { type: 'string' },
    publish: { type: 'boolean', default: false },
  },
});
const effort = values.quick ? 'quick' : 'full';
const chosen = values.part.split(',').map((name) => {
  const part = parts[name];
  if (part !== undefined) return { name, ...part };
  throw new TypeError(`--part: expected some of ${Object.keys(parts).join(', ')}`);
});

if (values.publish && (values.quick || chosen.length < Object.keys(parts).length))
  throw new TypeError('--publish: only the figures of all parts, measured in full');

const startedAt = new Date().toISOString();
const reports: PartReport[] = [];
for (const part of chosen) {
  process.stderr.write(`${part.title} …\n`);
  const report = await carryOut(part);
  console.log(describePart(report));
  reports.push(report);
}
const versions = await withScope(findVersions);
const report: BenchReport = { startedAt, effort, machine, versions, parts: reports };
console.log(`${describeBars(report)}\n\n${describeRun(report)}`);
if (values.plots !== undefined) writePlots(values.plots, report);
writeReport(values.publish ? PUBLISHED : values.json, report);
if (values.publish)
  process.exitCode = spawnSync(process.execPath, [DOCS], { stdio: 'inherit' }).status ?? 1;

async function carryOut({ name, title, measure }: Part & { name: string }): Promise<PartReport> {
  const loadBefore = loadOfMinute();
  const startMs = performance.now();
  const measured = await withScope((scope) => measure(scope, effort));
  const seconds = (performance.now() - startMs) / 1000;
  return { name, title, seconds, loadBefore, loadAfter: loadOfMinute(), ...measured };
}
