import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import pg from 'pg';

import type { Database } from '#gateway/postgres/connect.js';
import { RevocationTable } from '#gateway/postgres/revocations.js';
import { TableFollower } from '#gateway/postgres/table-follower.js';

import { openDatabase, recordLog } from '../support/feed-parts.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';

const scope = failOnLeaks();

type Lend = Database['lend'];

/** A reader on a database whose schema is there, with a pool that lends as a test would have it. */
async function build(lendBy: (lend: Lend) => Lend = (lend) => lend) {
  const { url, channel } = await freshDatabase(scope);
  const environment = { POSTERN_DATABASE_CHANNEL: channel };
  const { gateway } = await startGateway(scope, { databaseUrl: url, environment });
  await gateway.stop();

  const { log } = recordLog();
  const database = openDatabase(scope, url, log);
  const client = new pg.Client(url);
  await client.connect();
  scope.after(() => client.end());
  const reads: string[] = [];
  let loans = 0;
  const lend: Lend = (deadlineMs, work) => {
    loans += 1;
    return lendBy((ms, inner) => database.lend(ms, inner))(deadlineMs, work);
  };
  const table = new RevocationTable({
    read: (what) => void reads.push(what),
    migrates: true,
    log,
  });
  const reader = new TableFollower({ lend }, table);
  return { reader, client, reads, loans: () => loans };
}

describe('A reader of revocations', () => {
  it('tells nothing more once its connection is lost: another may have read later', async () => {
    let open: () => void = () => {};
    const opened = new Promise<void>((resolve) => (open = resolve));
    const slowly =
      (lend: Lend): Lend =>
      async (deadlineMs, work) => {
        await opened;
        return await lend(deadlineMs, work);
      };
    const { reader, client, reads } = await build(slowly);
    const reading = reader.listening(client);
    reader.lost();
    open();
    await reading;
    assert.deepEqual(reads, []);
  });

  it('makes one reading of many words at once, and a full one if any asks for that', async () => {
    const { reader, client, reads, loans } = await build();
    await reader.listening(client);
    const words = ['revoked', ...Array.from({ length: 50 }, () => 'revoked'), 'restored', 'nonce'];
    await Promise.all(words.map((word) => reader.noticed(word, client)));
    assert.deepEqual(reads, ['all', 'more', 'all']);
    assert.equal(loans(), 3);
  });

  it('reads on the connection that listens where the pool lends none', async () => {
    const { reader, client, reads } = await build(() => () => Promise.reject(new Error('busy')));
    await reader.listening(client);
    await reader.noticed('revoked', client);
    assert.deepEqual(reads, ['all', 'more']);
  });
});
