import { randomUUID } from 'node:crypto';

import { Presence } from '#gateway/postgres/presence.js';
import type { PresenceOptions } from '#gateway/postgres/presence.js';
import type { PresentSession } from '#gateway/postgres/present-sessions.js';

import { openDatabase, recordLog } from './feed-parts.ts';
import type { Query, Scope } from './postgres.ts';
import { freshDatabase } from './postgres.ts';
import { makeSchema } from './spending.ts';
import { until } from './wait.ts';

/** A database whose schema is there, with leases that a test can wait for. */
export async function leasedDatabase(scope: Scope, lease = '1500 milliseconds') {
  const database = await freshDatabase(scope);
  await makeSchema(scope, database.url);
  await database.query(`ALTER TABLE postern.gateway ALTER COLUMN lease SET DEFAULT '${lease}'`);
  return database;
}

/** Waits until the view shows these users, in alphabetical order. */
export async function shown(
  query: Query,
  users: readonly string[],
  deadlineMs?: number,
): Promise<void> {
  let last = '';
  const wanted = users.toSorted().join(' ');
  const isShown = async (): Promise<boolean> => {
    const rows = await query('SELECT sub FROM postern.sessions ORDER BY sub COLLATE "C"');
    last = rows.map(({ sub }) => sub).join(' ');
    return last === wanted;
  };
  await until(`"${wanted}" in postern.sessions`, isShown, deadlineMs).catch((error: unknown) => {
    throw new Error(`postern.sessions shows "${last}"`, { cause: error });
  });
}

/** Counts the statements that change a table, and the rows that come into it. */
export async function countWrites(query: Query, table: string) {
  await query(`
    CREATE TABLE public.seen (what text, gone boolean);
    CREATE FUNCTION public.see() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN INSERT INTO public.seen VALUES (TG_OP || ' ' || TG_LEVEL); RETURN NULL; END $$;
    CREATE TRIGGER statements AFTER INSERT OR DELETE ON ${table}
      FOR EACH STATEMENT EXECUTE FUNCTION public.see();
    CREATE TRIGGER rows AFTER INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION public.see()`);
  return async (what: `${'INSERT' | 'DELETE'} STATEMENT` | 'INSERT ROW'): Promise<number> =>
    (await query('SELECT FROM public.seen WHERE what = $1', [what])).length;
}

/** What keeps presence, for sessions that a test makes up. It is not started. */
export function openPresence(
  scope: Scope,
  url: string,
  { lendBy, ...options }: Partial<PresenceOptions> & { readonly lendBy?: Wrap } = {},
) {
  const { log, lines } = recordLog();
  const database = openDatabase(scope, url, log);
  const here = new Map<string, PresentSession>();
  const lend: Lend = (deadlineMs, work) => database.lend(deadlineMs, work);
  const presence = new Presence({
    database: { lend: lendBy?.(lend) ?? lend },
    present: { ids: () => [...here.keys()], find: (id) => here.get(id) },
    migrates: false,
    log,
    mendedMs: 200,
    ...options,
  });
  scope.after(() => presence.stop());
  const come = (sub: string, more: Partial<PresentSession> = {}): string => {
    const id = randomUUID();
    here.set(id, { ...NOBODY, id, sub, ...more });
    presence.came(id);
    return id;
  };
  const change = (id: string, more: Partial<PresentSession>): void => {
    here.set(id, { ...NOBODY, ...here.get(id), id, ...more });
    presence.changed(id);
  };
  const leave = (id: string): void => {
    here.delete(id);
    presence.left(id);
  };
  return { presence, lines, come, change, leave };
}

type Lend = PresenceOptions['database']['lend'];
type Wrap = (lend: Lend) => Lend;

const NOBODY = {
  sub: undefined,
  sid: undefined,
  protocol: 'raw',
  address: undefined,
  seconds: 0,
  expiresAt: undefined,
} as const;
