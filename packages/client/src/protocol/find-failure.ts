import { closingFailures } from './closing-failures.ts';
import type { FailureRow } from './failure.ts';

const rows: Readonly<Record<string, FailureRow>> = closingFailures;

/** A row of the failure table, and its name there. */
export interface NamedFailure {
  readonly name: string;
  readonly row: FailureRow;
}

/** The row that a close code and its reason stand for. The reason counts first: a deployment may change codes. */
export function failureOfClose(closeCode: number, reason: string): NamedFailure | undefined {
  const found: NamedFailure[] = [];
  // No more than browsers of 2013 have: the client for them needs it.
  Object.keys(rows).forEach((name) => {
    const row = rows[name];
    if (row === undefined) return;
    if (reason !== '' && row.reason === reason) found.unshift({ name, row });
    else if (row.close === closeCode) found.push({ name, row });
  });
  return found[0];
}
