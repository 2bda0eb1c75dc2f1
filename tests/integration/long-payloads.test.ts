import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import pg from 'pg';

import { killListener } from '../support/failure-causes.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { listen } from '../support/listen.ts';
import { freshDatabase } from '../support/postgres.ts';
import type { Query } from '../support/postgres.ts';
import { PREAUTH_ENVIRONMENT, startPreauth } from '../support/preauth.ts';
import { heardRaw, heardV1, long, publish, subscribe } from '../support/publishing.ts';
import { enterByBearer } from '../support/refreshing.ts';
import { twoGateways } from '../support/two-gateways.ts';
import { until } from '../support/wait.ts';
import { said } from '../support/way-in.ts';

const scope = failOnLeaks();

const CLAIMS = { mode: 'rw', channels: ['chat'], exp: 2e9 };

/** Says something on the private channel. */
const whisper = (query: Query, reference: unknown) =>
  query(`SELECT pg_notify('postern.private', $1)`, [
    typeof reference === 'string' ? reference : JSON.stringify(reference),
  ]);

/** Nobody reads long texts until this is called. */
async function lockPayloads(url: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('BEGIN; LOCK TABLE postern.payload IN ACCESS EXCLUSIVE MODE');
  return () => client.end();
}

async function setUp(environment: Readonly<Record<string, string>> = {}) {
  const database = await freshDatabase(scope);
  const gateway = await startGateway(scope, {
    databaseUrl: database.url,
    environment: {
      ...PREAUTH_ENVIRONMENT,
      POSTERN_DATABASE_CHANNEL: database.channel,
      ...environment,
    },
  });
  const { client } = await enterByBearer(gateway.port, { channels: ['chat', 'room:*'] });
  await subscribe(client, 'chat');
  return { ...gateway, ...database, database, v1: client };
}

/** Lays down a text as somebody else would who may. */
async function lay(query: Query, text: string, channel: string): Promise<string> {
  const [row] = await query(
    `INSERT INTO postern.payload (id, database_channel, text)
    VALUES (gen_random_uuid(), $2, $1) RETURNING id::text`,
    [text, channel],
  );
  return String(row?.['id']);
}

describe('A message that NOTIFY does not carry', () => {
  it('arrives whole and in order among short ones, on both protocols, at every gateway', async () => {
    const { one, other, query } = await twoGateways(scope);
    const raws = [await one.client(CLAIMS), await other.client(CLAIMS)];
    const { client: ada } = await enterByBearer(one.port, {});
    const { client: bob } = await enterByBearer(other.port, { sub: 'bob' });
    await subscribe(bob, 'chat');
    await subscribe(ada, 'chat');
    for (let n = 0; n < 20; n += 1) {
      publish(ada, n % 3 === 0 ? long(`a${n}`) : `a${n}`);
      raws[0]?.send(n % 4 === 0 ? long(`r${n}`) : `r${n}`);
      if (n % 5 === 0) publish(bob, { n, text: long('') });
    }
    const listened = [
      ...(await Promise.all(raws.map((raw) => heardRaw(raw, 44)))),
      ...(await Promise.all([ada, bob].map((client) => heardV1(client, 44)))),
    ].map((heard) => heard.map((one_) => objectOf(one_)));
    for (const heard of listened) {
      assert.deepEqual(heard, listened[0]);
      for (const sender of ['a', 'r'])
        assert.deepEqual(
          heard.filter((text) => String(text).startsWith(sender)),
          Array.from({ length: 20 }, (_, n) => `${sender}${n}`),
        );
    }
    assert.deepEqual(
      listened[0]?.filter((text) => typeof text === 'number'),
      [0, 5, 10, 15],
    );
    assert.ok((await query('SELECT FROM postern.payload')).length >= 12);
    await Promise.all([...raws, ada, bob].map((client) => client.close()));
  });

  it('is the envelope, byte for byte, for raw clients, and may have up to 1 MiB', async () => {
    const gateway = await setUp({ POSTERN_MAX_MESSAGE_BYTES: '0', POSTERN_QUEUE_BYTES: '0' });
    const raw = await gateway.client(CLAIMS);
    raw.send('');
    const bare = Buffer.byteLength(await raw.message());
    const payload = 'é'.repeat((1_048_576 - bare) / 2).padEnd(1_048_576 - bare, 'x');
    const exact = payload.slice(
      0,
      payload.length - (Buffer.byteLength(payload) - (1_048_576 - bare)),
    );
    raw.send(exact);
    const text = await raw.message();
    assert.equal(Buffer.byteLength(text), 1_048_576);
    assert.equal(JSON.parse(text).payload, exact);

    raw.send(`${exact}x`);
    assert.deepEqual(await raw.closed(), { code: 1009, reason: 'Message too big' });
    const { client } = await enterByBearer(gateway.port, {});
    publish(client, `${exact}${'x'.repeat(500)}`);
    assert.equal((await said(client))['code'], 'too_big');
    await Promise.all([client.close(), gateway.v1.close()]);
  });

  it('holds up its own channel while it is fetched, and no other', async () => {
    const { client, v1, database } = await setUp();
    await subscribe(v1, 'room:1');
    const raw = await client({ ...CLAIMS, channels: ['chat'] });
    const other = await client({ ...CLAIMS, channels: ['room:1'] });
    raw.send('1');
    assert.deepEqual(await heardRaw(raw, 1), ['1']);
    const listener = await listen(scope, { url: database.url, channel: 'postern.private' });
    const unlock = await until('a lock', () => lockPayloads(database.url));
    publish(v1, long('2'));
    await until('a statement that waits for the table', async () => {
      const rows = await database.query('SELECT FROM pg_locks WHERE NOT granted');
      return rows.length > 0;
    });
    await unlock();
    await until('the reference', () => listener.texts.some((text) => text.startsWith('{')));
    assert.deepEqual(await heardRaw(raw, 1), ['2']);

    const id = await lay(
      database.query,
      JSON.stringify({ channel: 'chat', payload: '3' }),
      database.channel,
    );
    const again = await lockPayloads(database.url);
    await whisper(database.query, { id, channel: 'chat', databaseChannel: database.channel });
    raw.send('4');
    other.send('elsewhere');
    assert.deepEqual(await heardRaw(other, 1), ['elsewhere']);
    await again();
    assert.deepEqual(await heardRaw(raw, 2), ['3', '4']);
    assert.deepEqual(await heardV1(v1, 5), ['1', '2', 'elsewhere', '3', '4']);
    await Promise.all([raw, other, v1].map((one) => one.close()));
  });

  it('that cannot be had is told by a gap, at its place, and by 1012 where that is wanted', async () => {
    const { client, v1, query, channel, logged } = await setUp({ POSTERN_RAW_GAP: 'close' });
    await subscribe(v1, 'room:1');
    const chat = await client({ ...CLAIMS, channels: ['chat'] });
    const room = await client({ ...CLAIMS, channels: ['room:1'] });
    chat.send('before');
    const id = '0b8f4c1e-7d5a-4f2e-9c39-3f0f8f2f5b11';
    await whisper(query, { id, channel: 'chat', databaseChannel: channel });
    assert.deepEqual(await heardV1(v1, 2), ['before', 'payload_lost']);
    assert.deepEqual(await chat.closed(), { code: 1012, reason: 'Service restart' });
    assert.deepEqual(await logged('payload_lost'), { reason: 'not found', messages: 1 });
    room.send('still here');
    assert.deepEqual(await heardRaw(room, 1), ['still here']);
    await Promise.all([room.close(), v1.close()]);
  });

  it('is for its channel and its database channel only, whoever refers to it', async () => {
    const { client, v1, query, channel } = await setUp();
    await subscribe(v1, 'room:1');
    const raw = await client({ ...CLAIMS, channels: ['room:1'] });
    const secret = JSON.stringify({ channel: 'secret', payload: 'secret' });
    const [ours, theirs] = [await lay(query, secret, channel), await lay(query, secret, 'others')];
    await whisper(query, { id: ours, channel: 'room:1', databaseChannel: channel });
    await whisper(query, { id: theirs, channel: 'secret', databaseChannel: channel });
    const notOurs = await lay(query, secret.replace('secret', 'room:1'), 'others');
    await whisper(query, { id: notOurs, channel: 'room:1', databaseChannel: 'others' });
    for (const garbage of ['{', '{}', '[]', '{"id":1}', '{"id":"","channel":"chat"}', 'x'])
      await whisper(query, garbage);
    raw.send('the end');
    assert.deepEqual(await heardV1(v1, 2), ['payload_lost', 'the end']);
    assert.deepEqual(await heardRaw(raw, 1), ['the end']);
    await Promise.all([raw.close(), v1.close()]);
  });

  it('is not waited for beyond a break of the feed, which tells of all that is missing', async () => {
    const { v1, query, channel, url, logged } = await setUp({ POSTERN_RAW_GAP: 'keep' });
    const id = await lay(query, JSON.stringify({ channel: 'chat', payload: 'late' }), channel);
    const unlock = await lockPayloads(url);
    await whisper(query, { id, channel: 'chat', databaseChannel: channel });
    await until('a fetch', async () => {
      const rows = await query('SELECT FROM pg_locks WHERE NOT granted');
      return rows.length > 0;
    });
    await killListener(query);
    await logged('listener_restored', 10_000);
    await unlock();
    publish(v1, 'after');
    assert.deepEqual(await heardV1(v1, 4), ['status', 'status', 'feed_lost', 'after']);
    await v1.close();
  });

  it('is refused where its table is not there, and short ones are not', async () => {
    const gateway = await startPreauth(scope, { POSTERN_MIGRATE: 'false' });
    const { mend } = await gateway.logged('publication_tables_unavailable');
    assert.equal(mend, 'run postern migrate');
    const { client } = await enterByBearer(gateway.port, {});
    publish(client, long('1'));
    assert.equal((await said(client))['code'], 'too_big');
    publish(client, 'short');
    assert.equal((await said(client))['type'], 'ok');
    const raw = await gateway.client(CLAIMS);
    raw.send(long('1'));
    assert.deepEqual(await raw.closed(), { code: 1009, reason: 'Message too big' });
    await client.close();
  });

  it('with a key arrives once', async () => {
    const { v1, database } = await setUp();
    publish(v1, long('1'), { key: 'key-1' });
    publish(v1, long('2'), { key: 'key-1' });
    publish(v1, '3');
    assert.deepEqual(await heardV1(v1, 2), ['1', '3']);
    assert.equal((await database.query('SELECT FROM postern.payload')).length, 1);
    await v1.close();
  });
});

function objectOf(heard: unknown): unknown {
  const value: unknown =
    typeof heard === 'string' && heard.startsWith('{') ? JSON.parse(heard) : heard;
  return typeof value === 'object' && value !== null && 'n' in value ? value.n : value;
}
