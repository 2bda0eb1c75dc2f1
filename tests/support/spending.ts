import { randomUUID } from 'node:crypto';

import { migrate } from '#gateway/postgres/migrate.js';
import { readMigrations } from '#gateway/postgres/migrations.js';
import { createReplayStore } from '#gateway/postgres/replay-store.js';
import { grantTo } from '#gateway/postgres/rights.js';
import type {
  ReplayStore,
  ReplayStoreOptions,
  SpendableToken,
} from '#gateway/postgres/replay-store.js';

import { openDatabase, recordLog } from './feed-parts.ts';
import type { Logged } from './feed-parts.ts';
import type { Scope } from './postgres.ts';

/** Makes the schema in a database, and gives a role its rights there. */
export async function makeSchema(scope: Scope, url: string, role?: string): Promise<void> {
  const database = openDatabase(scope, url, () => undefined);
  await database.lend(10_000, async (client) => {
    await migrate(client, readMigrations());
    if (role !== undefined) await grantTo(client, role);
  });
}

/** A store that is stopped at the end of the scope, and what it logs. It is not started. */
export function openStore(
  scope: Scope,
  url: string,
  poolSize?: number,
  clock: Pick<ReplayStoreOptions, 'leewaySeconds' | 'now'> = {},
): { readonly store: ReplayStore; readonly lines: readonly Logged[] } {
  const { log, lines } = recordLog();
  const database = openDatabase(scope, url, log, poolSize);
  const store = createReplayStore({ database, log, ...clock });
  scope.after(() => store.stop());
  return { store, lines };
}

/** A token of 45 s that nobody has used, issued now or so many seconds later. */
export function freshToken(later = 0): SpendableToken {
  const issuedAt = Math.floor(Date.now() / 1000) + later;
  return { jti: randomUUID(), issuedAt, expiresAt: issuedAt + 45 };
}
