import { randomBytes } from 'node:crypto';

import type { Scope, TestDatabase } from './postgres.ts';

/** A role that may log in to a database, and no more. */
export interface TestRole {
  readonly name: string;
  /** The database, as this role. */
  readonly url: string;
}

/** Makes such a role. It is gone, with all that it owns in the database, at the end of the scope. */
export async function makeRole(
  scope: Scope,
  { url, query }: Pick<TestDatabase, 'url' | 'query'>,
): Promise<TestRole> {
  const name = `role_${randomBytes(8).toString('hex')}`;
  const password = randomBytes(8).toString('hex');
  await query(`CREATE ROLE ${name} LOGIN PASSWORD '${password}'`);
  scope.after(async () => {
    await query(`DROP OWNED BY ${name} CASCADE`);
    await query(`DROP ROLE ${name}`);
  });
  const changed = new URL(url);
  changed.username = name;
  changed.password = password;
  return { name, url: changed.href };
}
