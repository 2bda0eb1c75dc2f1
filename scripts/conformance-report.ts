/**
 * A reporter for Node's test runner: how many scenarios of each module passed against each target. It
 * knows neither: both are read off what ran. The name of a suite starts with the target.
 * A scenario that ran against some targets only fails the run.
 */
import { EventEmitter } from 'node:events';

// Three reporters listen to the runner's stream more often than the limit meant for leaks allows.
EventEmitter.defaultMaxListeners = 20;

/** What this reads of the runner's events. */
interface TestEvent {
  readonly type: string;
  readonly data: {
    readonly name?: string;
    readonly nesting?: number;
    readonly file?: string;
    readonly details?: { readonly type?: string };
  };
}

/** One scenario, run against one target. One without a target is a mistake in its file. */
interface Run {
  /** Folder and file: `raw/handshake`. */
  readonly module: string;
  readonly target: string;
  /** The names of its suites and its own. */
  readonly scenario: string;
  readonly passed: boolean;
}

const MODULE = /\/conformance\/([\w-]+\/[\w-]+)\.test\.[jt]s$/;
const TARGET = /^([^›]+?): /;
const NO_TARGET = 'no target';

// oxlint-disable-next-line import/no-default-export -- the runner asks for one
export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const runs = await collect(events);
  if (runs.length === 0) return;

  const strays = runs.filter(({ target }) => target === NO_TARGET);
  const gaps = [
    ...strays.map(({ module, scenario }) => `Not by describeOn: ${module}: ${scenario}`),
    ...findGaps(runs.filter((run) => !strays.includes(run))),
  ];
  if (gaps.length > 0) process.exitCode = 1;
  const verdict = gaps.length === 0 ? ['Every one ran against every target.'] : gaps;
  yield ['Conformance: scenarios passed', '', ...table(runs), '', ...verdict, ''].join('\n');
}

async function collect(events: AsyncIterable<TestEvent>): Promise<readonly Run[]> {
  const runs: Run[] = [];
  const path: string[] = [];
  for await (const { type, data } of events) {
    const { name = '', nesting = 0, file = '', details } = data;
    if (type === 'test:start') path.splice(nesting, Infinity, name);
    if (details?.type === 'suite' || (type !== 'test:pass' && type !== 'test:fail')) continue;

    const module = MODULE.exec(file)?.[1];
    // A file that broke off before its scenarios has failed by its own name.
    if (module === undefined || MODULE.test(name)) continue;
    // A suite that names the target may stand in one that holds those of all.
    const whole = path.slice(path.findIndex((suite) => TARGET.test(suite))).join(' › ');
    const [prefix = '', target = NO_TARGET] = TARGET.exec(whole) ?? [];
    const scenario = whole.slice(prefix.length);
    runs.push({ module, target, scenario, passed: type === 'test:pass' });
  }
  return runs;
}

/** A row for each module, a column for each target. */
function table(runs: readonly Run[]): readonly string[] {
  const targets = distinct(runs.map(({ target }) => target));
  const rows = distinct(runs.map(({ module }) => module)).map((module) => [
    module,
    ...targets.map((target) =>
      tally(runs.filter((run) => run.module === module && run.target === target)),
    ),
  ]);
  const sums = targets.map((target) => tally(runs.filter((run) => run.target === target)));
  const numbers = targets.map((_, index) => `[${index + 1}]`);
  const legend = targets.map((target, index) => `  [${index + 1}] ${target}`);
  return [...align([['', ...numbers], ...rows, ['all', ...sums]]), '', ...legend];
}

/** `12`, or `11/12` when not all of them passed. */
function tally(runs: readonly Run[]): string {
  const passed = runs.filter((run) => run.passed).length;
  return passed === runs.length ? `${passed}` : `${passed}/${runs.length}`;
}

function align(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const cell = (text: string, column: number): string =>
    column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0);
  return rows.map((row) => `  ${row.map(cell).join('  ')}`);
}

/** The scenarios that did not run, or not as often, against some target. */
function findGaps(runs: readonly Run[]): readonly string[] {
  const counts = new Map<string, Map<string, number>>();
  for (const { module, scenario, target } of runs) {
    const byTarget = counts.get(`${module}: ${scenario}`) ?? new Map<string, number>();
    counts.set(`${module}: ${scenario}`, byTarget.set(target, (byTarget.get(target) ?? 0) + 1));
  }
  const targets = distinct(runs.map(({ target }) => target));
  return [...counts].flatMap(([scenario, byTarget]) => {
    const most = Math.max(...byTarget.values());
    const missing = targets.filter((target) => (byTarget.get(target) ?? 0) < most);
    return missing.map((target) => `Did not run against ${target}: ${scenario}`);
  });
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}
