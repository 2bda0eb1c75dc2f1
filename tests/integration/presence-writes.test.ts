import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import pg from 'pg';

import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import { countWrites, leasedDatabase, openPresence, shown } from '../support/presence.ts';
import { makeSchema } from '../support/spending.ts';
import { until } from '../support/wait.ts';

const scope = failOnLeaks();

describe('Presence', () => {
  it('never writes a session down that came and went between two writes', async () => {
    const { url, query } = await leasedDatabase(scope);
    const { presence, come, leave } = openPresence(scope, url);
    await presence.start();
    const count = await countWrites(query, 'postern.present_session');
    leave(come('ada'));
    come('bob');
    await shown(query, ['bob']);
    assert.equal(await count('INSERT ROW'), 1);
    assert.equal(await count('DELETE STATEMENT'), 0);
  });

  it('takes out whoever left while it was being written down', async () => {
    const { url, query } = await leasedDatabase(scope);
    const { presence, come, leave } = openPresence(scope, url);
    await presence.start();
    const holder = new pg.Client(url);
    await holder.connect();
    await holder.query('BEGIN; LOCK TABLE postern.present_session IN EXCLUSIVE MODE');
    const id = come('ada');
    come('bob');
    await until('the write to wait', async () => {
      const sql = `SELECT FROM pg_locks WHERE NOT granted AND relation = 'postern.present_session'::regclass`;
      return (await query(sql)).length > 0;
    });
    leave(id);
    await holder.query('COMMIT');
    await holder.end();
    await shown(query, ['bob']);
  });

  it('brings up to date what a session has shown since, and keeps the time at which it came', async () => {
    const { url, query } = await leasedDatabase(scope);
    const { presence, come, change } = openPresence(scope, url);
    await presence.start();
    const id = come('ada', { seconds: 60, expiresAt: 2_000_000_000 });
    await shown(query, ['ada']);
    const row = async () =>
      (
        await query(
          `SELECT connected_at, date_part('epoch', expires_at) AS expires FROM postern.sessions`,
        )
      )[0];
    const before = await row();
    change(id, { seconds: 61, expiresAt: 2_000_000_600 });
    await until('the new end', async () => (await row())?.['expires'] === 2_000_000_600);
    assert.deepEqual((await row())?.['connected_at'], before?.['connected_at']);
  });

  it('writes all anew when others have cleared it away, as after a long sleep', async () => {
    const { url, query } = await leasedDatabase(scope);
    const { presence, come } = openPresence(scope, url);
    await presence.start();
    come('ada');
    await shown(query, ['ada']);
    await query('DELETE FROM postern.gateway');
    assert.deepEqual(await query('SELECT FROM postern.present_session'), []);
    await shown(query, ['ada']);
  });

  it('writes all anew when it does not know what became of a write', async () => {
    const { url, query } = await leasedDatabase(scope);
    let breaks = 0;
    const { presence, come, leave, lines } = openPresence(scope, url, {
      lendBy: (lend) => async (deadlineMs, work) => {
        const result = await lend(deadlineMs, work);
        if (breaks-- > 0) throw new Error('the connection broke after the commit');
        return result;
      },
    });
    await presence.start();
    const id = come('ada');
    await shown(query, ['ada']);
    breaks = 1;
    leave(id);
    come('bob');
    await until('the failure', () => lines.some(({ event }) => event === 'presence_unavailable'));
    come('cid');
    await shown(query, ['bob', 'cid']);
    assert.deepEqual(
      lines.map(({ event }) => event),
      ['presence_kept', 'presence_unavailable', 'presence_kept'],
    );
  });

  it('begins when its tables are there at last', async () => {
    const { url, query } = await freshDatabase(scope);
    const { presence, come, lines } = openPresence(scope, url);
    await presence.start();
    assert.equal(presence.kept, false);
    come('ada');
    await makeSchema(scope, url);
    await shown(query, ['ada']);
    assert.equal(presence.kept, true);
    assert.equal(lines.length, 2);
  });

  it('says nothing of tables that its own gateway is about to make', async () => {
    const { url } = await freshDatabase(scope);
    const { presence, lines } = openPresence(scope, url, { migrates: true });
    await presence.start();
    assert.deepEqual(lines, []);
  });

  it('leaves no backend behind where somebody holds its tables', async () => {
    const { url, query } = await leasedDatabase(scope);
    const { presence, come, lines } = openPresence(scope, url);
    await presence.start();
    const holder = new pg.Client(url);
    await holder.connect();
    await holder.query('BEGIN; LOCK TABLE postern.present_session');
    come('ada');
    const failed = () => lines.find(({ event }) => event === 'presence_unavailable');
    assert.equal((await until('a failure', failed)).fields['reason'], '55P03');
    const waiting = `SELECT FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    await until('nobody to wait', async () => (await query(waiting)).length === 0);
    await holder.query('COMMIT');
    await holder.end();
    await shown(query, ['ada'], 8_000);
  });

  it('takes names that the server cannot hold for others, and ends that lie beyond all dates', async () => {
    const { url, query } = await leasedDatabase(scope);
    const { presence, come } = openPresence(scope, url);
    come('a\0da', { expiresAt: 1e300 });
    come('x'.repeat(9_000));
    come('lone \ud800');
    await presence.start();
    await shown(query, ['a?da', 'x'.repeat(9_000), 'lone \ufffd']);
  });

  it('is kept in a database that is not in UTF-8', async () => {
    const test = await freshDatabase(scope);
    const name = `${test.name}_latin`;
    await test.query(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'`);
    scope.after(async () => {
      await test.query(`DROP DATABASE ${name} WITH (FORCE)`);
    });
    const url = new URL(test.url);
    url.pathname = `/${name}`;
    await makeSchema(scope, url.href);
    const { presence, come, lines } = openPresence(scope, url.href);
    come('日本');
    await presence.start();
    assert.deepEqual(
      lines.map(({ event }) => event),
      ['presence_kept'],
    );
  });

  it('does not wait for PostgreSQL when it is told of somebody', async () => {
    const { url, query } = await leasedDatabase(scope);
    const { presence, come, leave } = openPresence(scope, url, {
      lendBy: () => () => new Promise(() => undefined),
    });
    void presence.start();
    for (let n = 0; n < 1_000; n += 1) leave(come('ada'));
    assert.deepEqual(await query('SELECT FROM postern.sessions'), []);
  });
});
