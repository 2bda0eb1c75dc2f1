import type { failures } from './failures.ts';

/** A code in a machine-readable answer. */
export type FailureCode = {
  [Name in FailureName]:
    | ((typeof failures)[Name] extends { readonly code: infer Code } ? Code : never)
    | ((typeof failures)[Name] extends { readonly finerCodes: readonly (infer Code)[] }
        ? Code
        : never);
}[FailureName];

/** The name of a row of {@link failures}. */
export type FailureName = keyof typeof failures;

/** The name of a row that a handshake can be refused for. */
export type RefusalName = {
  [Name in FailureName]: (typeof failures)[Name] extends { readonly http: number } ? Name : never;
}[FailureName];

/** The name of a row that an open connection can be ended for. */
export type EndingName = {
  [Name in FailureName]: (typeof failures)[Name] extends { readonly close: number } ? Name : never;
}[FailureName];
