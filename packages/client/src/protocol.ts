export type { Failure, Retry } from './protocol/failure.ts';
export type { FailureCode, FailureName, RefusalName } from './protocol/failure-names.ts';
export { failures } from './protocol/failures.ts';
export { retryAfter } from './protocol/retry-after.ts';
