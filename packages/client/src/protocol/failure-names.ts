import type { failureRows } from './failure-rows.ts';

/** A code in a machine-readable answer. */
export type FailureCode = {
  [Name in FailureName]:
    | ((typeof failureRows)[Name] extends { readonly code: infer Code } ? Code : never)
    | ((typeof failureRows)[Name] extends { readonly finerCodes: readonly (infer Code)[] }
        ? Code
        : never);
}[FailureName];

/** The name of a row of the failure table. */
export type FailureName = keyof typeof failureRows;

/** The name of a row that a handshake can be refused for. */
export type RefusalName = {
  [Name in FailureName]: (typeof failureRows)[Name] extends { readonly http: number }
    ? Name
    : never;
}[FailureName];

/** The name of a row that an open connection can be ended for. */
export type EndingName = {
  [Name in FailureName]: (typeof failureRows)[Name] extends { readonly close: number }
    ? Name
    : never;
}[FailureName];
