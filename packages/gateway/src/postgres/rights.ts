import type { ClientBase } from 'pg';
import { driver } from './driver.ts';
import { OWN_NAMES } from './schema-state.ts';
import { SLOTS } from './spent-slots.ts';

/** THE table of what a gateway does in the schema `postern`, where it is another role's. */
const rights: Readonly<Record<string, readonly string[]>> = {
  'postern.migration': ['SELECT'],
  'postern.revocation': ['SELECT'],
  'postern.spent_token': ['SELECT', 'INSERT'],
  ...Object.fromEntries(
    Array.from({ length: SLOTS }, (_, slot) => [`postern.spent_token_${slot}`, ['TRUNCATE']]),
  ),
  'postern.gateway': ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  'postern.disconnection': ['SELECT'],
  // Rows that are cleared away are locked before, which takes UPDATE.
  'postern.publication_key': ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  'postern.payload': ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  'postern.present_session': ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
};

/** What a role needs to use the schema, when it is another's: no more than a gateway does there. */
export async function grantsFor(role: string): Promise<readonly string[]> {
  const { escapeIdentifier } = await driver();
  const name = escapeIdentifier(role);
  return [
    `GRANT USAGE ON SCHEMA postern TO ${name}`,
    ...Object.entries(rights).map(
      ([table, privileges]) => `GRANT ${privileges.join(', ')} ON TABLE ${table} TO ${name}`,
    ),
  ];
}

/** Gives a role these rights, all or none. */
export async function grantTo(client: ClientBase, role: string): Promise<void> {
  const grants = await grantsFor(role);
  await client.query(`BEGIN; ${OWN_NAMES}; ${grants.join('; ')}; COMMIT`);
}

/** Names the tables that this role lacks rights to. The schema has to be there, and current. */
export async function missingRights(client: ClientBase): Promise<readonly string[]> {
  const needed = Object.entries(rights).flatMap(([table, privileges]) =>
    privileges.map((privilege) => [table, privilege] as const),
  );
  const { rows } = await client.query<{ readonly name: string }>(
    `SELECT DISTINCT needed.name
    FROM unnest($1::text[], $2::text[]) AS needed (name, privilege)
    WHERE NOT pg_catalog.has_table_privilege(pg_catalog.to_regclass(needed.name)::oid, needed.privilege)
    ORDER BY needed.name`,
    [needed.map(([table]) => table), needed.map(([, privilege]) => privilege)],
  );
  return rows.map(({ name }) => name);
}
