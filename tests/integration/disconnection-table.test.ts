import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import pg from 'pg';

import { DisconnectionTable } from '#gateway/postgres/disconnections.js';
import type { Disconnection } from '#gateway/postgres/disconnections.js';

import { recordLog } from '../support/feed-parts.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import { makeSchema } from '../support/spending.ts';

const scope = failOnLeaks();

const now = () => ({ wallMs: Date.now(), monotonicMs: performance.now() });

/** A table that is read on a connection of its own, and what it has passed on. */
async function build() {
  const { url, query } = await freshDatabase(scope);
  await makeSchema(scope, url);
  const client = new pg.Client(url);
  await client.connect();
  scope.after(() => client.end());
  const passedOn: Disconnection[] = [];
  const table = new DisconnectionTable({
    asked: (some) => void passedOn.push(...some),
    now,
    migrates: false,
    log: recordLog().log,
  });
  const read = (over = new AbortController().signal) => table.read(client, 'more', over);
  const ask = (sub: string) => query('SELECT postern.disconnect(sub => $1)', [sub]);
  return { url, read, ask, names: () => passedOn.map(({ value }) => value), passedOn };
}

describe('The table of disconnections', () => {
  it('passes each word on once, even while an old transaction has it read again', async () => {
    const { url, read, ask, names } = await build();
    const old = new pg.Client(url);
    await old.connect();
    await old.query('BEGIN; SELECT pg_current_xact_id()');
    for (const name of ['ada', 'bob', 'cid']) {
      await ask(name);
      await read();
      await read();
    }
    await old.query('COMMIT');
    await old.end();
    await ask('dee');
    await read();
    await read();
    assert.deepEqual(names(), ['ada', 'bob', 'cid', 'dee']);
  });

  it('passes nothing on by a reading that has been given up, and leaves it to the next', async () => {
    const { read, ask, names } = await build();
    await ask('ada');
    await read(AbortSignal.abort());
    assert.deepEqual(names(), []);
    await read();
    assert.deepEqual(names(), ['ada']);
  });

  it('says when it was asked by the clocks of the gateway, and no earlier than that', async () => {
    const { read, ask, passedOn } = await build();
    const before = now();
    await ask('ada');
    const after = now();
    await read();
    const [{ asked } = assert.fail()] = passedOn;
    for (const clock of ['wallMs', 'monotonicMs'] as const) {
      // The wall clock is read in whole milliseconds.
      assert.ok(asked[clock] >= before[clock] - 1, `${before[clock] - asked[clock]} ms early`);
      assert.ok(asked[clock] <= after[clock] + 100, `${asked[clock] - after[clock]} ms late`);
    }
  });
});
