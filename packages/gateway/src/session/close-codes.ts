import { failures, retryAfter } from '@postern/client/protocol';
import type { EndingName, Failure } from '@postern/client/protocol';
import type { Log } from '../observe/log.ts';
import type { Closing } from './session.ts';

/** The close code that a failure goes over the wire by. */
export type CloseCodeOf = (failure: Closing) => number;

/** Codes that a deployment has put in place of those of the failure table. */
type Replaced = Readonly<Partial<Record<EndingName, number>>>;

/**
 * Builds what tells the close code of a failure: the only place where one is replaced. Everything else
 * knows failures by their rows, and need not ask which number they have here.
 */
export function createCloseCodes(replaced: Replaced | undefined, log: Log): CloseCodeOf {
  const codes = new Map<string, number>(Object.entries(replaced ?? {}));
  const byRow = new Map<Failure, number>();
  for (const [name, row] of Object.entries<Failure>(failures)) {
    const code = codes.get(name);
    if (code === undefined) continue;
    byRow.set(row, code);
    const taken = retryAfter(code);
    if (misleads(row, code))
      log('close_code_misleads', { failure: name, code, retry: row.retry, taken });
  }
  return (failure) => byRow.get(failure) ?? failure.close;
}

/** Whether a client that goes by the table, or by the ranges, comes back when it must not, or stays away. */
function misleads({ retry }: Failure, code: number): boolean {
  return (retry === 'no') !== (retryAfter(code) === 'no');
}
