import { failures } from '@postern/client/protocol';
import { own } from './auth/decode.ts';
import type { Core } from './core.ts';
import { legible } from './observe/audit.ts';
import type { Disconnection } from './postgres/disconnections.ts';
import { DisconnectionTable } from './postgres/disconnections.ts';
import type { Attendance, Attendee } from './session/attendance.ts';

/** Joins what operators have said on sessions that are to end with these sessions. */
export function disconnectionFor({
  options,
  clock,
  log,
  attendance,
}: Core & { readonly attendance: Attendance }): DisconnectionTable {
  const asked = (disconnections: readonly Disconnection[]): void => {
    const words = new Words(disconnections);
    const meant = new Map<string | undefined, Attendee[]>();
    for (const attendee of attendance.all()) {
      const word = words.about(attendee);
      if (word === undefined) continue;
      const attendees = meant.get(word.reason) ?? [];
      attendees.push(attendee);
      meant.set(word.reason, attendees);
    }
    for (const [reason, attendees] of meant) {
      const why = reason === undefined ? {} : { reason: legible(reason) };
      log('sessions_disconnected', { sessions: attendees.length, ...why });
      for (const { session } of attendees) session.end(failures.disconnected);
    }
  };
  const now = () => ({ wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() });
  return new DisconnectionTable({ asked, now, migrates: options.migrate, log });
}

/** What was said, by whom it is about. */
class Words {
  readonly #known: Readonly<Record<Disconnection['kind'], Map<string, Disconnection>>> = {
    session: new Map(),
    sub: new Map(),
    sid: new Map(),
  };

  /** A later word is about everybody that an earlier one on the same is about. */
  constructor(disconnections: readonly Disconnection[]) {
    for (const one of disconnections) {
      const known = this.#known[one.kind];
      const other = known.get(one.value);
      if (other === undefined || other.asked.monotonicMs <= one.asked.monotonicMs)
        known.set(one.value, one);
    }
  }

  /** The word that a session is to end for, if there is one. */
  about({ session: { id, claims }, since }: Attendee): Disconnection | undefined {
    const bySession = this.#known.session.get(id);
    if (bySession !== undefined) return bySession;
    return (['sub', 'sid'] as const)
      .map((kind) => {
        const value = own(claims, kind);
        return typeof value === 'string' ? this.#known[kind].get(value) : undefined;
      })
      .find((word) => word !== undefined && isBefore(since, word.asked));
  }
}

/** Either clock will do: one may have been set since, and the other stands still while the machine sleeps. */
function isBefore(since: Attendee['since'], asked: Disconnection['asked']): boolean {
  return since.wallMs <= asked.wallMs || since.monotonicMs <= asked.monotonicMs;
}
