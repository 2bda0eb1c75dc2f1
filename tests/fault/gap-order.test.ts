import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import pg from 'pg';

import { killListener } from '../support/failure-causes.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import { enterByBearer } from '../support/refreshing.ts';
import { until } from '../support/wait.ts';
import { said } from '../support/way-in.ts';
import type { WsClient } from '../support/ws-client.ts';

const scope = failOnLeaks();

/** A gateway, and somebody who is subscribed to `chat`. */
async function start() {
  const { url, channel, query } = await freshDatabase(scope);
  const gateway = await startGateway(scope, {
    databaseUrl: url,
    environment: { POSTERN_DATABASE_CHANNEL: channel },
  });
  const { client } = await enterByBearer(gateway.port, {});
  await subscribe(client);
  const notify = (payload: string) =>
    query('SELECT pg_notify($1, $2)', [channel, JSON.stringify({ channel: 'chat', payload })]);
  /** Who listens, and has nothing else to do. */
  const listener = async (): Promise<unknown> => {
    const [row] = await query(`SELECT pid FROM pg_stat_activity
      WHERE datname = current_database() AND query LIKE 'LISTEN%' AND state = 'idle'`);
    return row?.['pid'];
  };
  return { ...gateway, url, query, reader: client, notify, listener };
}

async function subscribe(client: WsClient, from?: unknown) {
  client.send(JSON.stringify({ type: 'subscribe', id: 1, channel: 'chat', from }));
  return await said(client);
}

/** What a connection needs to know before anybody relies on it cannot be read while `work` goes on. */
async function withNothingToRead(url: string, work: () => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('BEGIN; LOCK TABLE postern.revocation');
    await work();
  } finally {
    await client.end();
  }
}

describe('A gap after a break', () => {
  it('comes before whatever was sent after it, also what came on a connection not yet relied on', async () => {
    const { reader, query, url, notify, listener, client } = await start();
    const raw = await client({ mode: 'r', channel: 'chat', exp: 2e9 });
    const before = await listener();
    await withNothingToRead(url, async () => {
      await killListener(query);
      await until('another connection that listens', async () => {
        const pid = await listener();
        return pid !== undefined && pid !== before;
      });
      await notify('too early');
      assert.match(await raw.message(), /too early/);
    });
    assert.deepEqual(await said(reader), { type: 'status', database: 'down' });
    assert.deepEqual(await said(reader), { type: 'status', database: 'up' });
    const { type, cursor } = await said(reader);
    assert.equal(type, 'gap');
    await notify('after');
    assert.equal((await said(reader))['payload'], 'after');

    const { recovered } = await subscribe(reader, cursor);
    assert.equal(recovered, true);
    assert.equal((await said(reader))['payload'], 'after');
    await Promise.all([reader.close(), raw.close()]);
  });
});
