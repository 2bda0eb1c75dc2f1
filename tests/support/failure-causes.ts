import assert from 'node:assert/strict';

import { inSeconds } from './tokens.ts';
import type { Query } from './postgres.ts';
import type { Tickets } from './way-in.ts';
import { tickets } from './way-in.ts';

/** Claims that open one channel. */
export const CHAT = { mode: 'rw', channel: 'chat', exp: inSeconds(600) } as const;

/**
 * Cuts the gateway off from what it listens to. PostgreSQL knows the last statement of each connection alone: it
 * is LISTEN, or what the gateway proves itself by when all of its other connections are slow.
 */
export async function killListener(query: Query): Promise<void> {
  const sql = `WITH own AS (SELECT pid, query, query LIKE 'LISTEN%' AS listens FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'postern')
    SELECT pg_terminate_backend(pid) FROM own WHERE CASE WHEN EXISTS (SELECT FROM own WHERE listens)
      THEN listens ELSE query IN ('SELECT pg_notify($1, $2)', 'SELECT 1') END`;
  assert.notEqual((await query(sql)).length, 0);
}

/** The cookie of one user with the token of another. */
export async function mixed(port: number): Promise<readonly Tickets[]> {
  const ada = await tickets(port);
  const bob = await tickets(port, { claims: { sub: 'bob' } });
  return [{ ...ada, token: bob.token }];
}
