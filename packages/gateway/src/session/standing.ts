import { failures } from '@postern/client/protocol';
import type { Claims } from '../auth/verify.ts';
import type { Clock, Deadline } from './deadline.ts';
import { deadlineAt, earlier } from './deadline.ts';
import type { Closing } from './session.ts';

/** What follows for a session from what its client has shown. A refresh replaces it as a whole. */
export interface Standing<Granted> {
  readonly claims: Claims;
  readonly grant: Granted;
  /** The end of what the client has shown, in UNIX seconds, leeway added; undefined: never. */
  readonly expiresAt: number | undefined;
  readonly deadline: Deadline;
  /** What the session is ended for at its deadline: its token's end, or its own greatest age. */
  readonly deadlineFailure: Closing;
}

/** What a client has shown. */
export interface Shown<Granted> {
  readonly claims: Claims;
  readonly grant: Granted;
  /** The token's `exp` in UNIX seconds; undefined when it has none. */
  readonly expiresAt: number | undefined;
  /** The end of the login behind a ticket, in UNIX seconds: no leeway is given. Undefined: no ticket. */
  readonly authExpiresAt?: number | undefined;
}

/** What standing is worked out with. */
export interface StandingRules {
  readonly clock: Clock;
  /** The session's greatest age, counted from its beginning. */
  readonly ageEnd: Deadline;
  /** Seconds that a token counts beyond its `exp`. */
  readonly expLeeway: number;
}

/** Works it out: the session ends with what was shown, or at its greatest age, whichever comes first. */
export function standingOf<Granted>(
  { claims, grant, expiresAt = Infinity, authExpiresAt = Infinity }: Shown<Granted>,
  { clock, ageEnd, expLeeway }: StandingRules,
): Standing<Granted> {
  const shownEnd = Math.min(expiresAt + expLeeway, authExpiresAt);
  const isFirst = shownEnd * 1000 <= ageEnd.wallMs;
  return {
    claims,
    grant,
    // With the leeway: who was let in by it would be told of an end that is past, and come anew at once.
    expiresAt: shownEnd === Infinity ? undefined : shownEnd,
    deadline: earlier(deadlineAt(shownEnd * 1000, clock), ageEnd),
    deadlineFailure: isFirst ? failures.tokenExpired : failures.tooOld,
  };
}

/** Whether one end of what was shown comes later than another. What never ends outlasts even its like. */
export function outlasts(one: number | undefined, other: number | undefined): boolean {
  return one === undefined || (other !== undefined && one > other);
}
