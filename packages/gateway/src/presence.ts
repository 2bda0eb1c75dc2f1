import { own } from './auth/decode.ts';
import type { Claims } from './auth/verify.ts';
import type { Core } from './core.ts';
import type { Database } from './postgres/connect.ts';
import { Presence } from './postgres/presence.ts';
import { Attendance } from './session/attendance.ts';

/** Joins the sessions that are here with what shows them to others. */
export function presenceFor({
  options,
  clock,
  log,
  meters,
  database,
}: Core & { readonly database: Database }) {
  const attendance: Attendance = new Attendance(clock, {
    came: (id) => presence.came(id),
    changed: (id) => presence.changed(id),
    left: (id) => presence.left(id),
  });
  const find = (id: string) => {
    const attendee = attendance.find(id);
    if (attendee === undefined) return undefined;
    const { session, address, since } = attendee;
    const { claims, protocol, expiresAt } = session;
    const seconds = (clock.monotonicMs() - since.monotonicMs) / 1000;
    const who = { sub: textIn(claims, 'sub'), sid: textIn(claims, 'sid') };
    return { id, ...who, protocol, address, seconds, expiresAt };
  };
  const present = { ids: () => attendance.ids(), find };
  const presence = new Presence({ database, present, migrates: options.migrate, log });
  meters.gauge('presenceKept', () => presence.kept);
  return { attendance, presence };
}

function textIn(claims: Claims, name: string): string | undefined {
  const value = own(claims, name);
  return typeof value === 'string' ? value : undefined;
}
