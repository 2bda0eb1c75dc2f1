import pg from 'pg';
import type { Scope, TestDatabase } from './postgres.ts';
import { until } from './wait.ts';

/** Stands between a notifier and NOTIFY. */
export interface Gate {
  /** The database, with the gate in the way of whoever calls `pg_notify` there. */
  readonly url: string;
  /** From now on each statement that notifies waits. */
  shut(): Promise<void>;
  open(): Promise<void>;
  /** Waits for a statement that waits, and returns the process id of its backend. */
  waiting(): Promise<number>;
  /** How many transactions have notified. */
  transactions(): Promise<number>;
}

const KEY = 42;

/**
 * Puts a `pg_notify` of our own before PostgreSQL's in the search path. It waits at the gate, and
 * raises an error for texts with `bad` in them.
 */
export async function buildGate(
  scope: Scope,
  test: Pick<TestDatabase, 'url' | 'query'>,
): Promise<Gate> {
  await test.query(`
    DROP SCHEMA IF EXISTS gate CASCADE;
    CREATE SCHEMA gate;
    CREATE TABLE gate.notified (xid text);
    CREATE FUNCTION gate.pg_notify(channel text, payload text) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM pg_catalog.pg_advisory_xact_lock_shared(${KEY});
      IF payload LIKE '%bad%' THEN RAISE EXCEPTION 'no'; END IF;
      INSERT INTO gate.notified VALUES (pg_catalog.pg_current_xact_id()::text);
      PERFORM pg_catalog.pg_notify(channel, payload);
    END $$`);
  const keeper = new pg.Client({ connectionString: test.url });
  keeper.on('error', () => {
    // Its server may be killed: then nothing waits any more.
  });
  await keeper.connect();
  scope.after(() => keeper.end());

  const url = new URL(test.url);
  url.searchParams.set('options', '-c search_path=gate,pg_catalog');
  const count = async (sql: string): Promise<number> => {
    const [row] = await test.query(sql);
    return Number(row?.['n'] ?? 0);
  };
  return {
    url: url.href,
    shut: () => keeper.query(`SELECT pg_advisory_lock(${KEY})`).then(() => undefined),
    open: () => keeper.query('SELECT pg_advisory_unlock_all()').then(() => undefined),
    waiting: () =>
      until('a statement that waits at the gate', async () => {
        // The gates of other databases have the same key.
        const sql = `SELECT l.pid AS n FROM pg_locks l JOIN pg_database d ON d.oid = l.database
          WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database()`;
        return (await count(sql)) || undefined;
      }),
    transactions: () => count('SELECT count(DISTINCT xid)::int AS n FROM gate.notified'),
  };
}
