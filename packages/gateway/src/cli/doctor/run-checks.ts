import { diagnose } from '../../postgres/diagnosis.ts';
import { problem, skipped } from './check.ts';
import type { Check, Finding } from './check.ts';

/** A finding, and whose it is. */
export type Result = Finding & { readonly check: string };

/** Longer than the sum of all deadlines within a check: only for what nobody thought of. */
const DEADLINE_MS = 45_000;

/**
 * Runs checks one after the other, since each would be in the way of what others measure. Without
 * ground all are skipped, `why` says for what.
 */
export async function runChecks<Ground>(
  checks: readonly Check<Ground>[],
  ground: Ground | undefined,
  why: string,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const check of checks) {
    const finding = ground === undefined ? skipped(why) : await bounded(() => check.run(ground));
    results.push({ check: check.name, ...finding });
  }
  return results;
}

/** Awaits a finding, within a deadline. What was thrown is a problem, diagnosed as far as possible. */
export async function bounded(
  run: () => Finding | Promise<Finding>,
  deadlineMs = DEADLINE_MS,
): Promise<Finding> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Finding>((resolve) => {
    const finding = problem(
      `no answer within ${deadlineMs / 1000} s`,
      'see whether what it asks is stopped or overloaded, and run postern doctor again',
    );
    timer = setTimeout(() => resolve(finding), deadlineMs);
  });
  try {
    return await Promise.race([late, Promise.resolve().then(run)]);
  } catch (error) {
    const { found, mend } = diagnose(error);
    return problem(found, mend);
  } finally {
    clearTimeout(timer);
  }
}
