import type { Failure } from '@postern/client/protocol';
import { failures } from '@postern/client/protocol';
import { auditMark, userOf } from '../observe/audit.ts';
import { refusalLabel } from '../observe/labels.ts';
import type { Log } from '../observe/log.ts';
import type { Meters } from '../observe/meters.ts';
import { onceASecond } from './once-a-second.ts';
import type { Refusal } from './refuse.ts';

/** Counts one refused handshake, and writes it down. */
export type SayRefused = (refusal: Refusal, address: string) => void;

/** Refused before anything is verified: anybody can have it as often as he likes, at no cost. */
const CHEAP = new Set<Failure>([
  failures.hostDenied,
  failures.originMissing,
  failures.fetchDenied,
  failures.rateLimited,
  failures.connectionLimit,
  failures.overload,
]);

/** Builds what counts refusals and writes them down: of the cheap ones one a second for each failure. */
export function createRefusalLog(log: Log, meters: Meters): SayRefused {
  const write = (more: number, refusal: Refusal, address: string): void => {
    const { failure: row, code = row.code, text, claims } = refusal;
    const failure = refusalLabel(row);
    log('handshake_refused', {
      ...auditMark(failure),
      failure,
      code,
      why: text,
      address,
      user: userOf(claims),
      ...(more > 0 ? { more } : {}),
    });
  };
  const writers = new Map([...CHEAP].map((failure) => [failure, onceASecond(write)]));

  return (refusal, address) => {
    meters.counter('handshakesRefused', { failure: refusalLabel(refusal.failure) }).add();
    const writeSome = writers.get(refusal.failure);
    if (writeSome === undefined) write(0, refusal, address);
    else writeSome(refusal, address);
  };
}
