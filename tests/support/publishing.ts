import type { Database, DatabaseLog } from '#gateway/postgres/connect.js';
import { PublicationTables } from '#gateway/postgres/publication-tables.js';

import type { Scope } from './postgres.ts';
import { makeSchema } from './spending.ts';

/** The schema of a database, and what uses its tables as soon as they were looked at. */
export async function usableTables(scope: Scope, url: string, tidyMs = 60_000) {
  await makeSchema(scope, url);
  return (database: Database, log: DatabaseLog): PublicationTables =>
    lookAfter(scope, { database, log, tidyMs });
}

/** Begins to look after tables, whether they are there or not. */
export function lookAfter(
  scope: Scope,
  options: { readonly database: Database; readonly log: DatabaseLog; readonly tidyMs?: number },
): PublicationTables {
  const tables = new PublicationTables({ migrates: false, mendedMs: 200, ...options });
  scope.after(() => tables.stop());
  void tables.start();
  return tables;
}
