import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import pg from 'pg';

import { inspectServer } from '#gateway/postgres/inspection.js';

import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { listen } from '../support/listen.ts';
import type { Listener } from '../support/listen.ts';
import { freshDatabase } from '../support/postgres.ts';
import type { Query, TestDatabase } from '../support/postgres.ts';
import { PREAUTH_ENVIRONMENT } from '../support/preauth.ts';
import { heardRaw, heardV1, long, publish, subscribe } from '../support/publishing.ts';
import { enterByBearer } from '../support/refreshing.ts';
import { makeRole } from '../support/roles.ts';
import { makeSchema } from '../support/spending.ts';

const scope = failOnLeaks();

interface Place extends TestDatabase {
  readonly listener: Listener;
  /** What was notified so far, in short, once so much has come. */
  payloads(count: number): Promise<readonly unknown[]>;
}

/** A database with the schema, where SQL publishes to the channel that is listened on. */
async function setUp(): Promise<Place> {
  const database = await freshDatabase(scope);
  await makeSchema(scope, database.url);
  await database.query(
    `ALTER DATABASE ${database.name} SET postern.database_channel TO '${database.channel}'`,
  );
  // The settings of a database are those of sessions that begin from then on.
  const query = await sessionOf(database.url);
  const listener = await listen(scope, database);
  const payloads = async (count: number) =>
    (await listener.heard(count)).map((text) => JSON.parse(text).payload);
  return { ...database, query, listener, payloads };
}

/** SQL in one session. */
async function sessionOf(url: string): Promise<Query> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  scope.after(() => client.end());
  return async (sql, parameters = []) =>
    (await client.query<Record<string, unknown>>(sql, [...parameters])).rows;
}

/** Publishes, and returns what the function does. */
async function say(query: Query, ...parameters: readonly unknown[]): Promise<unknown> {
  const places = parameters.map((_, index) => `$${index + 1}`).join(', ');
  const [row] = await query(`SELECT postern.publish(${places}) AS told`, parameters);
  return row?.['told'];
}

describe('postern.publish', () => {
  it('writes what a gateway writes, byte for byte but for spaces in JSON', async () => {
    const { query, listener, url, channel } = await setUp();
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    // As the doctor sees it.
    assert.equal((await inspectServer(client)).publishChannel, channel);
    await client.end();
    const texts = ['hello "you" \\ é \u0001\n', '', '😀'];
    for (const text of texts)
      assert.equal(await say(query, 'chat "1"', JSON.stringify(text)), true);
    const values = ['{"a": [1, null, "é"]}', 'null', 'true', '1.50', '[]'];
    for (const value of values) await say(query, 'chat', value);
    const heard = await listener.heard(texts.length + values.length);
    const time = /"message_delivered_at":\d{10}\.\d{6}\}/;
    assert.deepEqual(
      heard.map((text) => text.replace(time, 'T')),
      [
        ...texts.map(
          (text) =>
            `{"channel":"chat \\"1\\"","claims":{T,"event":"WebsocketMessage","payload":${JSON.stringify(text)}}`,
        ),
        ...values.map(
          (value) =>
            `{"channel":"chat","claims":{T,"event":"WebsocketMessage","payload":${JSON.stringify(value)},"payload_type":"json"}`,
        ),
      ],
    );
    const [{ claims }] = [JSON.parse(heard[0] ?? '')];
    assert.ok(Math.abs(claims.message_delivered_at - Date.now() / 1000) < 60);
  });

  it('publishes equal messages of one transaction as many, in order, whatever the clock does', async () => {
    const { query, listener } = await setUp();
    await query('BEGIN');
    await query(`SELECT set_config('postern.last_delivered', '9000000000000000', true)`);
    await query(`SELECT postern.publish('chat', '"same"') FROM generate_series(1, 500)`);
    await query('COMMIT');
    await query(`SELECT count(postern.publish('chat', '"same"')) FROM generate_series(1, 500)`);
    const texts = await listener.heard(1_000);
    assert.equal(new Set(texts).size, 1_000);
    assert.deepEqual(texts.slice(0, 500), texts.slice(0, 500).toSorted());
    assert.match(texts[0] ?? '', /:9000000000\.000001\}/);
    assert.doesNotMatch(texts[500] ?? '', /:9000000/);
  });

  it('does as its transaction does: rolled back, to a savepoint, or committed', async () => {
    const { query, payloads } = await setUp();
    await query('BEGIN');
    await say(query, 'chat', '"never"');
    await say(query, 'chat', '"never, with a key"', 'key-1');
    await query('ROLLBACK');
    await query('BEGIN');
    await say(query, 'chat', '"1"');
    await query('SAVEPOINT here');
    await say(query, 'chat', '"undone"', 'key-1');
    await say(query, 'chat', JSON.stringify(long('undone, too')));
    await query('ROLLBACK TO SAVEPOINT here');
    await say(query, 'chat', '"1"');
    assert.equal(await say(query, 'chat', '"2"', 'key-1'), true);
    await query('COMMIT');
    await say(query, 'chat', '"the end"');
    assert.deepEqual(await payloads(4), ['1', '1', '2', 'the end']);
  });

  it('publishes from a trigger, for each row', async () => {
    const { query, payloads } = await setUp();
    await query(`CREATE TABLE orders (id int);
      CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM postern.publish('orders', to_jsonb(NEW)); RETURN NULL; END $$;
      CREATE TRIGGER told AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION tell();
      INSERT INTO orders SELECT generate_series(1, 3)`);
    assert.deepEqual(await payloads(3), ['{"id": 1}', '{"id": 2}', '{"id": 3}']);
  });

  it('publishes what has a key once for each login and channel, and says so', async () => {
    const { query, payloads, url, name } = await setUp();
    const role = await makeRole(scope, { url, query });
    await query(`GRANT USAGE ON SCHEMA postern TO ${role.name};
      GRANT EXECUTE ON FUNCTION postern.publish TO ${role.name}`);
    const other = await sessionOf(role.url);
    assert.equal(await say(query, 'chat', '"1"', 'key'), true);
    assert.equal(await say(query, 'chat', '"again"', 'key'), false);
    assert.equal(await say(query, 'room', '"2"', 'key'), true);
    assert.equal(await say(other, 'chat', '"3"', 'key'), true);
    await other('BEGIN');
    assert.equal(await say(other, 'chat', '"4"', 'key-2'), true);
    assert.equal(await say(other, 'chat', '"4 again"', 'key-2'), false);
    await other('COMMIT');
    assert.deepEqual(await payloads(4), ['1', '2', '3', '4']);
    assert.match(name, /^test_/);
  });

  it('may be called by whom it is granted to, who needs nothing else', async () => {
    const { query, payloads, url } = await setUp();
    const role = await makeRole(scope, { url, query });
    const theirs = await sessionOf(role.url);
    await assert.rejects(say(theirs, 'chat', '1'), { code: '42501' });
    await query(`GRANT USAGE ON SCHEMA postern TO ${role.name}`);
    await assert.rejects(say(theirs, 'chat', '1'), { code: '42501' });
    await query(`GRANT EXECUTE ON FUNCTION postern.publish TO ${role.name}`);
    // What they put in front of PostgreSQL's own would be carried out with the owner's rights.
    await query(`CREATE SCHEMA theirs AUTHORIZATION ${role.name}`);
    await theirs(`CREATE FUNCTION theirs.pg_notify(text, text) RETURNS void LANGUAGE sql AS 'SELECT 1/0';
      CREATE FUNCTION theirs.octet_length(text) RETURNS int LANGUAGE sql AS 'SELECT 1/0';
      SET search_path TO theirs, pg_catalog`);
    assert.equal(await say(theirs, 'chat', '"1"', 'key'), true);
    assert.deepEqual(await payloads(1), ['1']);
    await assert.rejects(theirs('SELECT FROM postern.publication_key'), { code: '42501' });
  });

  it('refuses what cannot be published, and says what to do', async () => {
    const { query, payloads } = await setUp();
    const refused = [
      [[null, '1'], '22023', /needs a channel/],
      [['', '1'], '22023', /needs a channel/],
      [[`${'é'.repeat(100)}x`, '1'], '22023', /no such channel/],
      [['room:*', '1'], '22023', /no such channel/],
      [['user:{sub}', '1'], '22023', /no such channel/],
      [['a\nb', '1'], '22023', /no such channel/],
      [['a\u0085b', '1'], '22023', /no such channel/],
      [['chat', null], '22023', /needs a payload/],
      [['chat', '1', ''], '22023', /1 to 200 characters/],
      [['chat', '1', 'k'.repeat(201)], '22023', /1 to 200 characters/],
      [['chat', `"${'x'.repeat(1_048_576)}"`], '54000', /more than 1 MiB/],
    ] as const;
    for (const [parameters, code, words] of refused)
      await assert.rejects(say(query, ...parameters), (error) => {
        assert.ok(error instanceof pg.DatabaseError);
        assert.equal(error.code, code);
        assert.match(error.message, words);
        assert.ok((error.hint ?? '').length > 10);
        return true;
      });
    await say(query, 'chat', '"the end"');
    assert.deepEqual(await payloads(1), ['the end']);
  });

  it('takes channels of 200 bytes, keys of 200 characters, and the null of JSON', async () => {
    const { query, payloads } = await setUp();
    assert.equal(await say(query, 'é'.repeat(100), 'null', '😀'.repeat(200)), true);
    assert.deepEqual(await payloads(1), ['null']);
  });

  it('says so where the setting names no channel that can be notified', async () => {
    const { query } = await setUp();
    for (const channel of ['postern.private', 'x'.repeat(64)]) {
      await query(`SELECT set_config('postern.database_channel', $1, false)`, [channel]);
      await assert.rejects(say(query, 'chat', '1'), { code: '22023' });
    }
  });

  it('publishes on the channel of postgres-websockets where nothing else is set', async () => {
    const database = await freshDatabase(scope);
    await makeSchema(scope, database.url);
    const listener = await listen(scope, {
      url: database.url,
      channel: 'postgres-websockets-listener',
    });
    await say(database.query, 'chat', '"hello"');
    await listener.heard(1);
  });

  it('mixes with what clients say, short and long, in one order for all', async () => {
    const place = await setUp();
    const gateway = await startGateway(scope, {
      databaseUrl: place.url,
      environment: { ...PREAUTH_ENVIRONMENT, POSTERN_DATABASE_CHANNEL: place.channel },
    });
    const raw = await gateway.client({ mode: 'rw', channel: 'chat', exp: 2e9 });
    const { client } = await enterByBearer(gateway.port, {});
    await subscribe(client, 'chat');
    for (let n = 0; n < 12; n += 1) {
      publish(client, n % 4 === 0 ? long(`v${n}`) : `v${n}`);
      raw.send(n % 3 === 0 ? long(`r${n}`) : `r${n}`);
      await say(place.query, 'chat', JSON.stringify(n % 2 === 0 ? long(`s${n}`) : `s${n}`));
      await place.query(`SELECT pg_notify($1, $2)`, [
        place.channel,
        JSON.stringify({ channel: 'chat', payload: `n${n}` }),
      ]);
    }
    const heard = await heardRaw(raw, 48);
    assert.deepEqual(await heardV1(client, 48), heard);
    for (const sender of ['v', 'r', 's', 'n'])
      assert.deepEqual(
        heard.filter((text) => String(text).startsWith(sender)),
        Array.from({ length: 12 }, (_, n) => `${sender}${n}`),
      );
    await Promise.all([raw.close(), client.close()]);
  });

  it('makes nobody wait for its transaction, keys or none', async () => {
    const place = await setUp();
    const gateway = await startGateway(scope, {
      databaseUrl: place.url,
      environment: { ...PREAUTH_ENVIRONMENT, POSTERN_DATABASE_CHANNEL: place.channel },
    });
    const { client } = await enterByBearer(gateway.port, {});
    await subscribe(client, 'chat');
    await place.query('BEGIN');
    await say(place.query, 'chat', '"late"', 'key');
    await say(place.query, 'chat', JSON.stringify(long('late, too')));
    publish(client, 'meanwhile', { key: 'key' });
    publish(client, long('and long'));
    assert.equal(await say(await sessionOf(place.url), 'chat', '"by SQL"', 'other key'), true);
    const meanwhile = await heardV1(client, 3);
    assert.deepEqual(new Set(meanwhile), new Set(['and long', 'by SQL', 'meanwhile']));
    await place.query('COMMIT');
    assert.deepEqual(await heardV1(client, 2), ['late', 'late, too']);
    await client.close();
  });
});
