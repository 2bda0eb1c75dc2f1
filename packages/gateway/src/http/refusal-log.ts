import type { Failure } from '@postern/client/protocol';
import { failures } from '@postern/client/protocol';
import { auditMark, userOf } from '../observe/audit.ts';
import { refusalLabel } from '../observe/labels.ts';
import type { Log } from '../observe/log.ts';
import type { Meters } from '../observe/meters.ts';
import { onceASecond } from './once-a-second.ts';
import type { Refusal } from './refuse.ts';

/** Somebody refused, by an answer or by a close code. */
type Refused = Omit<Refusal, 'failure'> & { readonly failure: Failure };

/** Counts one refusal, and writes it down. */
export type SayRefused = (refusal: Refused, address: string | undefined) => void;

/** What was refused, and by which names that is logged and counted. */
const subjects = {
  handshake: { event: 'handshake_refused', metric: 'handshakesRefused' },
  preauth: { event: 'preauth_refused', metric: 'preauthsRefused' },
} as const;

/** Refused before anything is verified: anybody can have it as often as he likes, at no cost. */
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
  failures.connectionLimit,
  failures.overload,
]);

/** Builds what says who was refused: of the cheap refusals one a second is written for each failure. */
export function createRefusalLog(
  subject: keyof typeof subjects,
  { log, meters }: { readonly log: Log; readonly meters: Meters },
): SayRefused {
  const { event, metric } = subjects[subject];
  const write = (more: number, refusal: Refused, address: string | undefined): void => {
    const { failure: row, code = row.code, text, claims } = refusal;
    const failure = refusalLabel(row);
    log(event, {
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
    meters.counter(metric, { failure: refusalLabel(refusal.failure) }).add();
    const writeSome = writers.get(refusal.failure);
    if (writeSome === undefined) write(0, refusal, address);
    else writeSome(refusal, address);
  };
}
