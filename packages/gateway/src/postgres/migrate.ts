import type { ClientBase } from 'pg';
import { GatewayError } from '../errors.ts';
import { reasonOf } from './diagnosis.ts';
import { driver } from './driver.ts';
import type { Migration } from './migrations.ts';
import { OWN_NAMES, stateOf } from './schema-state.ts';
import type { SchemaState } from './schema-state.ts';

/** What came of it. */
export type MigrateOutcome =
  | { readonly outcome: 'migrated'; readonly migrations: readonly Migration[] }
  /** Somebody else is at it. */
  | { readonly outcome: 'busy' }
  /** Nothing was to be done, or nothing could be: the state says which. */
  | { readonly outcome: 'left'; readonly schema: Exclude<SchemaState, { state: 'pending' }> };

/** Of the advisory lock: the first eight bytes of SHA-256 of `postern.migration`, as a bigint. */
const LOCK = '-5302287658865994275';

/**
 * Nobody waits for the lock: whoever holds it is doing just this, and a connection of the pool is not
 * kept from what else needs it. Names in the files are those of PostgreSQL whatever the role has set.
 */
const BEGIN = `
  BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;
  ${OWN_NAMES};
  SET LOCAL lock_timeout TO '5s';
  SET LOCAL statement_timeout TO '60s';
  SET LOCAL idle_in_transaction_session_timeout TO '60s'`;

/**
 * Runs the migrations that this database has not had, in order, all of them or none. The connection
 * must be in no transaction. Throws a `GatewayError` that names the migration which failed.
 */
export async function migrate(
  client: ClientBase,
  migrations: readonly Migration[],
): Promise<MigrateOutcome> {
  try {
    await client.query(BEGIN);
    const done = await migrateUnderLock(client, migrations);
    await client.query('COMMIT');
    return done;
  } catch (error) {
    // Where the connection is gone the server has rolled back by itself, and the lock is free.
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

async function migrateUnderLock(
  client: ClientBase,
  migrations: readonly Migration[],
): Promise<MigrateOutcome> {
  const { rows } = await client.query<{ readonly locked: boolean }>(
    'SELECT pg_try_advisory_xact_lock($1) AS locked',
    [LOCK],
  );
  if (rows[0]?.locked !== true) return { outcome: 'busy' };

  // Looked at under the lock: whoever held it before may have done everything.
  const schema = await stateOf(client, migrations);
  if (schema.state !== 'pending') return { outcome: 'left', schema };
  if (schema.bare) await run('of the schema itself', () => client.query(CREATE_SCHEMA));
  for (const { number, name, sql } of schema.pending)
    await run(name, async () => {
      await client.query(sql);
      await client.query('INSERT INTO postern.migration (number, name) VALUES ($1, $2)', [
        number,
        name,
      ]);
    });
  return { outcome: 'migrated', migrations: schema.pending };
}

/** It fails on a schema that appeared since it was looked for: nobody knows whose that is. */
const CREATE_SCHEMA = 'CREATE SCHEMA postern; REVOKE ALL ON SCHEMA postern FROM PUBLIC';

async function run(name: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    const { DatabaseError } = await driver();
    // A connection that breaks, a server that shuts down, a lock: all that may pass by itself.
    if (!(cause instanceof DatabaseError) || /^(?:08|55|57)/.test(cause.code ?? '')) throw cause;
    throw new GatewayError('POSTERN_DATABASE', {
      detail: `migration ${name} failed (${reasonOf(cause)}), and none was kept; the server’s log has the statement`,
      cause,
    });
  }
}
