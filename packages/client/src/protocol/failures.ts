import { advice } from './advice.ts';
import type { FailureName } from './failure-names.ts';
import { failureRows } from './failure-rows.ts';

/** Every row as it is typed there, so that those who name one know which members it has. */
type Failures = {
  readonly [Name in FailureName]: (typeof failureRows)[Name] & { readonly advice: string };
};

/**
 * Every way a connection can fail. The gateway, the clients' retry logic and `docs/failures.md` read
 * this table.
 */
export const failures = withAdvice();

function withAdvice(): Failures {
  const adviceFor: Readonly<Record<string, string>> = advice;
  const rows = Object.entries(failureRows);
  // What the compiler cannot see: that both tables have the same names, which `advice.ts` is held to.
  return Object.fromEntries(
    rows.map(([name, row]) => [name, { ...row, advice: adviceFor[name] ?? '' }]),
  ) as Failures;
}
