import { version } from '../../version.ts';
import { markedRows } from '../marked.ts';
import type { Mark } from '../marked.ts';
import type { Finding } from './check.ts';
import type { Result } from './run-checks.ts';

const marks: Readonly<Record<Finding['status'], Mark>> = {
  ok: 'good',
  warning: 'warning',
  problem: 'bad',
  skipped: 'none',
};

/** For people: a line for each check, the mend below it, and the sum. */
export function textReport(results: readonly Result[]): string {
  const rows = results.map((result) => ({
    mark: marks[result.status],
    name: result.check,
    text: result.status === 'skipped' ? `not asked: ${result.found}` : result.found,
    mend: mendOf(result),
  }));
  const { ok, warning, problem, skipped } = counts(results);
  const sum = `${ok} ok, ${counted(warning, 'warning')}, ${counted(problem, 'problem')}, ${skipped} not asked`;
  return `${markedRows(rows)}\n\n${sum}`;
}

/** For programs, in a shape that stays (docs/commands.md). */
export function jsonReport(results: readonly Result[]): string {
  const summary = counts(results);
  const report = { ok: summary.problem === 0, version: version(), summary, checks: results };
  return JSON.stringify(report, undefined, 2);
}

/** 0: no problem, 1: one at least, 2: the configuration cannot be read, so that nothing else was asked. */
export function exitCodeOf(results: readonly Result[]): 0 | 1 | 2 {
  const problems = results.filter(({ status }) => status === 'problem');
  if (problems.some(({ check }) => check === 'configuration')) return 2;
  return problems.length > 0 ? 1 : 0;
}

function counts(results: readonly Result[]) {
  const count = (wanted: Finding['status']): number =>
    results.filter(({ status }) => status === wanted).length;
  return {
    ok: count('ok'),
    warning: count('warning'),
    problem: count('problem'),
    skipped: count('skipped'),
  };
}

function mendOf(result: Result): string | undefined {
  return 'mend' in result ? result.mend : undefined;
}

function counted(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}
