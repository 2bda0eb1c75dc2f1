import assert from 'node:assert/strict';

import { startPostern } from './child.ts';
import type { Scope } from './postgres.ts';

/** One check as `postern doctor --json` has it. */
export interface CheckResult {
  readonly check: string;
  readonly status: string;
  readonly found: string;
  readonly mend: string | undefined;
}

/** What the doctor said, and its exit code. */
export interface Examination {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly checks: ReadonlyMap<string, CheckResult>;
}

/** A busy machine is slow to start programs, and some checks wait for what does not answer. */
export const PATIENCE_MS = 60_000;

/** Calls `postern doctor --json`. */
export async function examine(
  scope: Scope,
  env: Readonly<Record<string, string>>,
): Promise<Examination> {
  const child = startPostern(scope, ['doctor', '--json'], { env });
  const { code } = await child.exited(PATIENCE_MS);
  const { stdout, stderr } = child;
  return { code, stdout, stderr, checks: readReport(stdout) };
}

function readReport(stdout: string): ReadonlyMap<string, CheckResult> {
  const report: unknown = JSON.parse(stdout);
  assert.ok(typeof report === 'object' && report !== null && 'checks' in report);
  assert.ok(Array.isArray(report.checks));
  const results = report.checks.map((value: unknown) => readResult(value));
  assert.ok('ok' in report && 'summary' in report && 'version' in report);
  assert.equal(report.ok, !results.some(({ status }) => status === 'problem'));
  return new Map(results.map((result) => [result.check, result]));
}

function readResult(value: unknown): CheckResult {
  assert.ok(typeof value === 'object' && value !== null);
  const { check, status, found, mend }: Readonly<Record<string, unknown>> = { ...value };
  assert.ok(typeof check === 'string' && typeof status === 'string' && typeof found === 'string');
  assert.ok(mend === undefined || typeof mend === 'string');
  assert.equal(mend !== undefined, status === 'warning' || status === 'problem', check);
  return { check, status, found, mend };
}

/** Asserts what one check found, and with which mend. */
export function finds(
  { checks }: Pick<Examination, 'checks'>,
  name: string,
  expected: { readonly status: string; readonly found: RegExp; readonly mend?: RegExp },
): void {
  const result = checks.get(name);
  assert.equal(result?.status, expected.status, `${name}: ${result?.found}`);
  assert.match(result.found, expected.found);
  if (expected.mend !== undefined) assert.match(result.mend ?? '', expected.mend);
}
