import type { Failure, FailureName, RefusalName } from '@postern/client/protocol';
import { failures } from '@postern/client/protocol';

/**
 * Failures as labels of metrics. Their values are a closed set: whatever a client sends, it adds no
 * series.
 */

/** The name of a row of the failure table that an open connection can be ended for. */
type ClosingName = {
  [Name in FailureName]: (typeof failures)[Name] extends { readonly close: number } ? Name : never;
}[FailureName];

/** Why a handshake was refused. */
export type RefusalLabel = RefusalName | 'other';

/**
 * Why a connection ended: a row of the failure table, or what has no row. `noStatus` and `abnormal`
 * are the words of RFC 6455 §7.1.5 for a close frame without a code, and for none at all.
 */
export type EndingLabel = ClosingName | 'noStatus' | 'abnormal' | 'other';

const names = Object.keys(failures).filter((name): name is FailureName => name in failures);

export const refusalLabels: readonly RefusalLabel[] = [...names.filter(refuses), 'other'];

export const endingLabels: readonly EndingLabel[] = [
  ...names.filter(closes),
  'noStatus',
  'abnormal',
  'other',
];

const byRow = new Map<Failure, FailureName>(names.map((name) => [failures[name], name]));

const byCloseCode = new Map<number, EndingLabel>([
  ...names.filter(closes).map((name) => [failures[name].close, name] as const),
  [1005, 'noStatus'],
  [1006, 'abnormal'],
]);

/** The label of a refusal. */
export function refusalLabel(failure: Failure): RefusalLabel {
  const name = byRow.get(failure);
  return name !== undefined && refuses(name) ? name : 'other';
}

/** The label of an end by the gateway: by its row, for a deployment may give it any code. */
export function endingLabel(failure: Failure): EndingLabel {
  const name = byRow.get(failure);
  return name !== undefined && closes(name) ? name : 'other';
}

/** The label of the close code that a client sent, which may be any. */
export function closeCodeLabel(closeCode: number): EndingLabel {
  return byCloseCode.get(closeCode) ?? 'other';
}

function refuses(name: FailureName): name is RefusalName {
  return 'http' in failures[name];
}

function closes(name: FailureName): name is ClosingName {
  return 'close' in failures[name];
}
