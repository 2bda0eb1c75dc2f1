import type { Failure } from '@postern/client/protocol';
import { failures } from '@postern/client/protocol';
import { auditMark, userOf } from '../observe/audit.ts';
import { refusalLabel } from '../observe/labels.ts';
import type { Log } from '../observe/log.ts';
import type { Meters } from '../observe/meters.ts';
import { onceASecond } from './once-a-second.ts';
import type { Refusal } from './refuse.ts';

/** Refused before rates are counted: anybody can have it as often as he likes, at no cost. */
const CHEAP = new Set<Failure>([
  failures.tlsRequired,
  failures.hostDenied,
  failures.originDenied,
  failures.originMissing,
  failures.methodNotAllowed,
  failures.fetchDenied,
  failures.unsupportedMediaType,
  failures.preflightRequired,
  failures.rateLimited,
]);

/** Writes down and counts who was refused. */
export type SayRefused = (refusal: Refusal, address: string) => void;

/** Builds it: of the cheap refusals one a second is written for each failure. */
export function createPreauthLog(log: Log, meters: Meters): SayRefused {
  const write = (more: number, refusal: Refusal, address: string): void => {
    const { failure: row, claims } = refusal;
    const failure = refusalLabel(row);
    log('preauth_refused', {
      ...auditMark(failure),
      failure,
      code: refusal.code ?? row.code,
      address,
      user: userOf(claims),
      ...(more > 0 ? { more } : {}),
    });
  };
  const writers = new Map([...CHEAP].map((failure) => [failure, onceASecond(write)]));

  return (refusal, address) => {
    meters.counter('preauthsRefused', { failure: refusalLabel(refusal.failure) }).add();
    const writeSome = writers.get(refusal.failure);
    if (writeSome === undefined) write(0, refusal, address);
    else writeSome(refusal, address);
  };
}
