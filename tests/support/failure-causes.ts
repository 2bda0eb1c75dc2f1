import assert from 'node:assert/strict';

import { inSeconds } from './tokens.ts';
import type { Query } from './postgres.ts';
import type { Tickets } from './way-in.ts';
import { tickets } from './way-in.ts';

/** Claims that open one channel. */
export const CHAT = { mode: 'rw', channel: 'chat', exp: inSeconds(600) } as const;

/** Cuts the gateway off from what it listens to. */
export async function killListener(query: Query): Promise<void> {
  const sql = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE 'LISTEN%' AND application_name = 'postern'`;
  assert.equal((await query(sql)).length, 1);
}

/** The cookie of one user with the token of another. */
export async function mixed(port: number): Promise<readonly Tickets[]> {
  const ada = await tickets(port);
  const bob = await tickets(port, { claims: { sub: 'bob' } });
  return [{ ...ada, token: bob.token }];
}
