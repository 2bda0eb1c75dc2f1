import { failures } from '@postern/client/protocol';
import type { EndingName, Failure, FailureName } from '@postern/client/protocol';

/** Close codes that stand in place of those of the failure table, by the names of failures. */
export type CloseCodes = Readonly<Partial<Record<EndingName, number>>>;

/** From here on codes mean what a program says; below, what RFC 6455 and its registry say. */
const FIRST_OF_OURS = 3000;

const LAST = 4999;

/** Of the codes below, those by which a server ends a connection for reasons of its own. */
const FREE_OF_RFC = [1001, 1008, 1012, 1013, 1014];

const EXPECTED = `expected ${FIRST_OF_OURS} to ${LAST}, or ${FREE_OF_RFC.join(', ')}`;

/** What speaks against other codes (RFC 6455 §7.4.1), where it can be said shortly. */
const objections = new Map<unknown, string>([
  [1000, 'this one says that all is well, and clients do not come back after it'],
  ...[1002, 1003, 1007, 1009, 1010, 1011].map(
    (code) => [code, 'this one says that a message or a program is faulty'] as const,
  ),
  ...[1004, 1005, 1006, 1015].map((code) => [code, 'this one may not be sent'] as const),
]);

const rows = new Map<string, Failure>(Object.entries(failures));
const changeable = Object.keys(failures).filter(isChangeable);
const byName = new Map<string, EndingName>([
  ...changeable.map((name) => [name, name] as const),
  ['expired', 'tokenExpired'],
]);

/** What was read, and a line for each problem: with one the codes are not whole. */
export interface ReadCloseCodes {
  readonly codes: CloseCodes;
  readonly problems: readonly string[];
}

/** Reads `name=code,…`, or an object of names and codes. */
export function readCloseCodes(given: string | Readonly<Record<string, unknown>>): ReadCloseCodes {
  const entries = typeof given === 'string' ? given.split(',').map(entryIn) : Object.entries(given);
  const codes = new Map<EndingName, number>();
  const problems: string[] = [];
  for (const [index, entry] of entries.entries()) {
    const found = readEntry(entry, index + 1);
    if ('problem' in found) problems.push(found.problem);
    else if (codes.has(found.name)) problems.push(`${found.name}: is there twice`);
    else codes.set(found.name, found.code);
  }
  return { codes: Object.fromEntries(codes), problems };
}

type Entry = readonly [name: string, code: unknown];

function entryIn(text: string): Entry | undefined {
  const { name, code } = /^\s*(?<name>\w+)\s*=\s*(?<code>\d+)\s*$/.exec(text)?.groups ?? {};
  return name === undefined ? undefined : [name, Number(code)];
}

/** Nothing that was given is repeated but the names of failures: anything may stand there by mistake. */
function readEntry(
  entry: Entry | undefined,
  position: number,
): { readonly name: EndingName; readonly code: number } | { readonly problem: string } {
  if (entry === undefined)
    return { problem: `entry ${position}: expected name=code, such as tokenExpired=4401` };
  const [given, code] = entry;
  const name = byName.get(given);
  if (name === undefined) return { problem: objectionTo(given, position) };
  if (isCloseCode(code)) return { name, code };
  const objection = objections.get(code);
  return { problem: `${name}: ${EXPECTED}${objection === undefined ? '' : `; ${objection}`}` };
}

function objectionTo(given: string, position: number): string {
  const row = rows.get(given);
  if (row === undefined)
    return `entry ${position}: no such failure; those with a code that can be changed: ${[...byName.keys()].join(', ')}`;
  return row.close === undefined
    ? `${given}: has no close code, it is told by HTTP alone`
    : `${given}: has its close code of RFC 6455, which stays`;
}

function isCloseCode(code: unknown): code is number {
  if (typeof code !== 'number' || !Number.isInteger(code)) return false;
  return FREE_OF_RFC.includes(code) || (code >= FIRST_OF_OURS && code <= LAST);
}

function isChangeable(name: string): name is EndingName & FailureName {
  const close = rows.get(name)?.close;
  return close !== undefined && close >= FIRST_OF_OURS;
}
