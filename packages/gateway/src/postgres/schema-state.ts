import type { ClientBase } from 'pg';
import type { Diagnosis } from './diagnosis.ts';
import type { Migration } from './migrations.ts';

/** How the schema `postern` of a database stands to this program. */
export type SchemaState =
  | { readonly state: 'current' }
  /** These migrations have not run yet, and this role may run them. */
  | {
      readonly state: 'pending';
      readonly pending: readonly Migration[];
      /** Whether the schema itself is still to be made. */
      readonly bare: boolean;
    }
  /** They have not run, and this role may not run them, or may not even look. */
  | { readonly state: 'forbidden' }
  /** A later version of the program was here. */
  | { readonly state: 'newer'; readonly found: number }
  /** Something there belongs to a role that could turn it against us. */
  | { readonly state: 'foreign'; readonly owner: string }
  /** A standby, or a role or database whose transactions are read-only. */
  | { readonly state: 'readonly' };

/** For the log and the doctor: what there is to mend. The states that need no mend have none. */
export function schemaTrouble(schema: SchemaState): Diagnosis | undefined {
  switch (schema.state) {
    case 'current':
    case 'newer':
    case 'pending':
      return undefined;
    case 'forbidden':
      return {
        found: 'the user may not create what is missing in the schema postern, or not use it',
        mend: 'GRANT CREATE ON DATABASE to the user, or let the owner of the database run postern migrate --grant with its name',
      };
    case 'foreign':
      return {
        found: `the schema postern, or something in it, belongs to ${schema.owner}, whom this user need not trust`,
        mend: 'find out who made it; drop the schema or give it to the user, or log in as its owner',
      };
    case 'readonly':
      return {
        found: 'the database takes no writes from this user',
        mend: 'name the primary in POSTERN_DATABASE_URL, and see to default_transaction_read_only',
      };
  }
}

/** Whether what is kept in the schema can be used: all of it is there, and nobody else's. */
export function isUsable({ state }: SchemaState): boolean {
  return state === 'current' || state === 'newer';
}

/** Looks at the schema, and changes nothing. The connection must be in no transaction. */
export async function inspectSchema(
  client: ClientBase,
  migrations: readonly Migration[],
): Promise<SchemaState> {
  await client.query(`BEGIN TRANSACTION READ ONLY; ${OWN_NAMES}`);
  try {
    return await stateOf(client, migrations);
  } finally {
    await client.query('ROLLBACK');
  }
}

/**
 * For this transaction, names mean what PostgreSQL means by them: a `search_path` of the role or the
 * database could put functions and operators of somebody else in front.
 */
export const OWN_NAMES = 'SET LOCAL search_path TO pg_catalog, pg_temp';

interface Row {
  readonly readOnly: boolean;
  readonly bare: boolean;
  readonly begun: boolean;
  readonly readable: boolean;
  readonly mayCreate: boolean;
  readonly stranger: string | null;
}

/**
 * Whoever owns a table decides what an INSERT into it does, by a trigger and with the rights of the
 * one who inserts. So owners must be such as can do whatever we can: this role and those it is a
 * member of, superusers, and the owner of the database unless we are more than that.
 */
const QUESTION = `
  WITH me AS (
    SELECT oid, rolsuper FROM pg_roles WHERE rolname = current_user
  ), place AS (
    SELECT oid, nspowner FROM pg_namespace WHERE nspname = 'postern'
  ), ledger AS (
    SELECT pg_class.oid FROM pg_class, place
    WHERE relnamespace = place.oid AND relname = 'migration'
  ), owners AS (
    SELECT nspowner AS oid FROM place
    UNION SELECT relowner FROM pg_class, place WHERE relnamespace = place.oid
    UNION SELECT proowner FROM pg_proc, place WHERE pronamespace = place.oid
    UNION SELECT typowner FROM pg_type, place WHERE typnamespace = place.oid
  )
  SELECT
    pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean AS "readOnly",
    NOT EXISTS (SELECT FROM place) AS bare,
    EXISTS (SELECT FROM ledger) AS begun,
    coalesce((SELECT has_schema_privilege(place.oid, 'USAGE')
      AND has_table_privilege(ledger.oid, 'SELECT') FROM place, ledger), false) AS readable,
    coalesce((SELECT has_schema_privilege(oid, 'CREATE') AND has_schema_privilege(oid, 'USAGE')
      FROM place), has_database_privilege(current_database(), 'CREATE')) AS "mayCreate",
    (SELECT min(owner.rolname::text) FROM owners JOIN pg_roles owner USING (oid), me
      WHERE owner.oid <> me.oid AND NOT owner.rolsuper AND (me.rolsuper OR (
        NOT pg_has_role(me.oid, owner.oid, 'MEMBER')
        AND owner.oid <> (SELECT datdba FROM pg_database WHERE datname = current_database()))))
      AS stranger`;

/** As {@link inspectSchema}, inside a transaction with {@link OWN_NAMES}. */
export async function stateOf(
  client: ClientBase,
  migrations: readonly Migration[],
): Promise<SchemaState> {
  const [row] = (await client.query<Row>(QUESTION)).rows;
  if (row === undefined) throw new Error('The server answered without a row');
  if (row.stranger !== null) return { state: 'foreign', owner: row.stranger };
  if (row.begun && !row.readable) return { state: 'forbidden' };

  const done = row.begun ? await doneIn(client) : 0;
  if (done > migrations.length) return { state: 'newer', found: done };
  if (done === migrations.length) return { state: 'current' };
  if (row.readOnly) return { state: 'readonly' };
  if (!row.mayCreate) return { state: 'forbidden' };
  return { state: 'pending', pending: migrations.slice(done), bare: row.bare };
}

async function doneIn(client: ClientBase): Promise<number> {
  const { rows } = await client.query<{ readonly done: number }>(
    'SELECT coalesce(max(number), 0) AS done FROM postern.migration',
  );
  return rows[0]?.done ?? 0;
}
