import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import pg from 'pg';

import { recordFeed, recordNotifier } from '../support/feed-parts.ts';
import { buildGate } from '../support/gate.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { listen } from '../support/listen.ts';
import { freshDatabase } from '../support/postgres.ts';
import { lookAfter, usableTables } from '../support/publishing.ts';
import { makeRole } from '../support/roles.ts';
import { makeSchema } from '../support/spending.ts';
import { tcpProxy, urlThrough } from '../support/tcp-proxy.ts';
import { inTime, until } from '../support/wait.ts';

const scope = failOnLeaks();

/** A database with the schema, and a feed of it that is up. */
async function setUp() {
  const test = await freshDatabase(scope);
  const tables = await usableTables(scope, test.url);
  const recorded = recordFeed(scope, test);
  await recorded.feed.start();
  const remembered = async (): Promise<number> =>
    (await test.query('SELECT FROM postern.publication_key')).length;
  return { test, tables, remembered, ...recorded };
}

describe('A text with a key', () => {
  it('is notified once, in the batch that it comes in and in later ones, and its place is kept', async () => {
    const { test, tables, heard, remembered } = await setUp();
    const { notifier, send, sendKeyed, settled, outcomes } = recordNotifier(scope, test, tables);
    notifier.hold();
    send('one');
    sendKeyed('two', 'key-2');
    sendKeyed('two again', 'key-2');
    sendKeyed('three', 'key-1');
    send('four');
    notifier.release();
    await settled(5);
    sendKeyed('three again', 'key-1');
    send('five');
    await settled(7);
    assert.deepEqual(await heard(5), ['one', 'two', 'three', 'four', 'five']);
    assert.deepEqual(
      [...outcomes].filter(([, outcome]) => outcome !== 'committed'),
      [
        ['two again', 'duplicate'],
        ['three again', 'duplicate'],
      ],
    );
    assert.equal(await remembered(), 2);
  });

  it('is notified by one of two gateways that are given it at once, whatever the order of keys', async () => {
    const { test, tables, heard } = await setUp();
    const [one, two] = [recordNotifier(scope, test, tables), recordNotifier(scope, test, tables)];
    const keys = Array.from({ length: 300 }, (_, index) => `key ${index}`);
    for (const key of keys) one.sendKeyed(`one ${key}`, key);
    for (const key of keys.toReversed()) two.sendKeyed(`two ${key}`, key);
    const outcomes = [...(await one.settled(300)).values(), ...(await two.settled(300)).values()];
    const count = (wanted: string) => outcomes.filter((outcome) => outcome === wanted).length;
    assert.deepEqual([count('committed'), count('duplicate')], [300, 300]);
    const texts = await heard(300);
    assert.deepEqual(texts.map((text) => text.slice(4)).toSorted(), keys.toSorted());
  });

  it('is sent again in its place when its backend is killed, and those without are not', async () => {
    const { test, tables, heard } = await setUp();
    const gate = await buildGate(scope, test);
    const { send, sendKeyed, settled, outcomes } = recordNotifier(
      scope,
      { ...test, url: gate.url },
      tables,
    );
    await gate.shut();
    send('a');
    sendKeyed('b');
    const pid = await gate.waiting();
    send('c');
    sendKeyed('d');
    await test.query('SELECT pg_terminate_backend($1)', [pid]);
    await until('the one that is unknown', () => outcomes.size === 1);
    const next = await gate.waiting();
    await test.query('SELECT pg_terminate_backend($1)', [next]);
    await gate.waiting();
    await gate.open();
    assert.deepEqual(Object.fromEntries(await settled(4)), {
      a: 'unknown',
      b: 'committed',
      c: 'committed',
      d: 'committed',
    });
    assert.deepEqual(await heard(3), ['b', 'c', 'd']);
  });

  it('is not doubled when it was committed and the answer lost, and its sender is told so', async () => {
    const { test, tables, heard } = await setUp();
    const proxy = await tcpProxy(scope, { port: Number(new URL(test.url).port) });
    const url = urlThrough(proxy, test.url);
    const { sendKeyed, settled, outcomes } = recordNotifier(scope, { ...test, url }, tables);
    sendKeyed('first');
    await settled(1);
    proxy.set({ down: 'swallow' });
    sendKeyed('a');
    assert.deepEqual(await heard(2), ['first', 'a']);
    proxy.set({ down: 'pass' });
    proxy.cut();
    sendKeyed('a, by another try', 'a');
    sendKeyed('b');
    await settled(4);
    assert.deepEqual(
      [outcomes.get('a'), outcomes.get('a, by another try'), outcomes.get('b')],
      ['committed', 'duplicate', 'committed'],
    );
    assert.deepEqual(await heard(3), ['first', 'a', 'b']);
  });

  it('is of unknown outcome when the notifier stops before that is known', async () => {
    const { test, tables } = await setUp();
    const gate = await buildGate(scope, test);
    const { notifier, sendKeyed, outcomes } = recordNotifier(
      scope,
      { ...test, url: gate.url },
      tables,
    );
    await gate.shut();
    sendKeyed('a');
    const pid = await gate.waiting();
    await test.query('SELECT pg_terminate_backend($1)', [pid]);
    await gate.waiting();
    await inTime('the stop', notifier.stop(100), 1_000);
    assert.deepEqual([...outcomes], [['a', 'unknown']]);
  });

  it('waits until the tables were looked at, and is refused where they are not there, alone', async () => {
    const test = await freshDatabase(scope);
    const { heard, feed } = recordFeed(scope, test);
    await feed.start();
    const { send, sendKeyed, settled, lines } = recordNotifier(scope, test, (database, log) =>
      lookAfter(scope, { database, log }),
    );
    sendKeyed('with a key');
    send('without one');
    assert.deepEqual(Object.fromEntries(await settled(2)), {
      'with a key': 'no_keys',
      'without one': 'committed',
    });
    assert.deepEqual(await heard(1), ['without one']);
    const reason = 'its tables are not there';
    assert.deepEqual(lines, [
      {
        event: 'publication_tables_unavailable',
        fields: { reason, mend: 'run postern migrate' },
      },
    ]);

    await makeSchema(scope, test.url);
    await until('a key that is taken', async () => {
      sendKeyed(`try ${performance.now()}`, 'key');
      return (await test.query('SELECT FROM postern.publication_key')).length === 1;
    });
  });

  it('is refused when the right to the table is taken away, and those around it are not', async () => {
    const { test, heard } = await setUp();
    const role = await makeRole(scope, test);
    await makeSchema(scope, test.url, role.name);
    const { notifier, send, sendKeyed, settled, lines } = recordNotifier(
      scope,
      { ...test, url: role.url },
      (database, log) => lookAfter(scope, { database, log }),
    );
    sendKeyed('a');
    await settled(1);
    await test.query(`REVOKE INSERT ON postern.publication_key FROM ${role.name}`);
    notifier.hold();
    send('b');
    sendKeyed('c');
    send('d');
    notifier.release();
    assert.deepEqual(Object.fromEntries(await settled(4)), {
      a: 'committed',
      b: 'committed',
      c: 'no_keys',
      d: 'committed',
    });
    assert.deepEqual(await heard(3), ['a', 'b', 'd']);
    assert.deepEqual(
      lines.map(({ event, fields }) => [event, fields['reason']]),
      [['publication_tables_unavailable', '42501']],
    );
  });

  it('is not kept in a schema of somebody else’s', async () => {
    const test = await freshDatabase(scope);
    const stranger = await makeRole(scope, test);
    await test.query(`CREATE SCHEMA postern AUTHORIZATION ${stranger.name}`);
    const { sendKeyed, settled, lines } = recordNotifier(scope, test, (database, log) =>
      lookAfter(scope, { database, log }),
    );
    sendKeyed('a');
    assert.deepEqual([...(await settled(1)).values()], ['no_keys']);
    assert.match(String(lines[0]?.fields['reason']), new RegExp(`belongs to ${stranger.name}`));
  });

  it('is forgotten ten minutes after it was used, and not before', async () => {
    const test = await freshDatabase(scope);
    const useTables = await usableTables(scope, test.url, 50);
    await test.query(
      `INSERT INTO postern.publication_key
      SELECT sha256(n::text::bytea), now() - n * interval '1 second' FROM generate_series(595, 12000) n`,
    );
    recordNotifier(scope, test, useTables);
    const ages = () =>
      test.query(
        'SELECT extract(epoch FROM now() - used_at) AS age FROM postern.publication_key ORDER BY age',
      );
    const left = await until('what is left', async () => {
      const rows = await ages();
      return rows.length < 10 && rows;
    });
    assert.ok(left.length > 0 && Number(left[0]?.['age']) >= 595);
  });
});

describe('A long text', () => {
  it('is laid down where all gateways of its channel find it, and is no business of a short one', async () => {
    const { test, tables } = await setUp();
    const listener = await listen(scope, { url: test.url, channel: 'postern.private' });
    const { send, settled } = recordNotifier(scope, test, tables);
    const text = JSON.stringify({ channel: 'chat', payload: 'x'.repeat(8_000) });
    send('short', text);
    await settled(2);
    const [reference = ''] = await listener.heard(1);
    const { id, ...rest } = JSON.parse(reference);
    assert.deepEqual(rest, { channel: 'chat', databaseChannel: test.channel });
    const rows = await test.query('SELECT id::text, database_channel, text FROM postern.payload');
    assert.deepEqual(rows, [{ id, database_channel: test.channel, text }]);
  });

  it('is cleared away after five minutes, and not while its transaction is just over', async () => {
    const test = await freshDatabase(scope);
    const useTables = await usableTables(scope, test.url, 600);
    const late = new pg.Client({ connectionString: test.url });
    await late.connect();
    scope.after(() => late.end());
    const lay = (age: string): string => `INSERT INTO postern.payload
      VALUES (gen_random_uuid(), 'd', '${age}', clock_timestamp() - interval '${age}')`;
    await late.query(`BEGIN; ${lay('1 hour')}`);
    for (const age of ['6 minutes', '4 minutes']) await test.query(lay(age));
    recordNotifier(scope, test, useTables);
    const left = async () =>
      (await test.query('SELECT text FROM postern.payload ORDER BY text')).map(({ text }) => text);
    await until('what is over to go', async () => (await left()).join() === '4 minutes');

    await late.query('COMMIT');
    // Keys are forgotten after texts, each time.
    await test.query(`INSERT INTO postern.publication_key
      VALUES (sha256('marker'), clock_timestamp() - interval '11 minutes')`);
    await until('the next time', async () => {
      return (await test.query('SELECT FROM postern.publication_key')).length === 0;
    });
    assert.deepEqual(await left(), ['1 hour', '4 minutes']);
    await until('the late one to go', async () => (await left()).join() === '4 minutes');
  });
});
