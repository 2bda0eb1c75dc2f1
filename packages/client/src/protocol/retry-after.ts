import type { Failure, Retry } from './failure.ts';
import { failures } from './failures.ts';

const byCloseCode = new Map(
  Object.values<Failure>(failures).map((failure) => [failure.close, failure]),
);

/**
 * Advice for any close code. For one that is not in the table its range decides: 3000-3499 and
 * 4000-4499 may reconnect, 3500-3999 and 4500-4999 must not.
 */
export function retryAfter(closeCode: number): Retry {
  const known = byCloseCode.get(closeCode);
  if (known !== undefined) return known.retry;
  return closeCode >= 3000 && closeCode % 1000 >= 500 ? 'no' : 'yes';
}
