export { failures, retryAfter } from './protocol/failures.ts';
export type { Failure, FailureName, RefusalName, Retry } from './protocol/failures.ts';
