import type { Retry } from './failure.ts';
import { failureOfClose } from './find-failure.ts';

/**
 * Advice for any close code, and for its reason where a deployment has changed the code. For one that is not in
 * the table its range decides: 3000-3499 and 4000-4499 may reconnect, 3500-3999 and 4500-4999 must not.
 */
export function retryAfter(closeCode: number, reason = ''): Retry {
  return failureOfClose(closeCode, reason)?.row.retry ?? retryByRange(closeCode);
}

/** Advice for a close code that the table does not know. */
export function retryByRange(closeCode: number): Retry {
  return closeCode >= 3000 && closeCode % 1000 >= 500 ? 'no' : 'yes';
}
