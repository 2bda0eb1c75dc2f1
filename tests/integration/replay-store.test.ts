import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import pg from 'pg';

import { AHEAD_SECONDS, slotOf, SLOTS, slotsToEmpty } from '#gateway/postgres/spent-slots.js';

import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import type { Query, TestDatabase } from '../support/postgres.ts';
import { makeRole } from '../support/roles.ts';
import { freshToken, makeSchema, openStore } from '../support/spending.ts';
import { until } from '../support/wait.ts';

const scope = failOnLeaks();

async function freshSchema(): Promise<TestDatabase> {
  const database = await freshDatabase(scope);
  await makeSchema(scope, database.url);
  return database;
}

const slotsWithRows = async (query: Query): Promise<readonly unknown[]> =>
  (await query('SELECT DISTINCT slot FROM postern.spent_token WHERE slot >= 0 ORDER BY slot')).map(
    (row) => row['slot'],
  );

/** A row in every partition, from long ago. */
const fill = (query: Query) =>
  query(
    `INSERT INTO postern.spent_token SELECT slot, 'old' FROM generate_series(0, ${SLOTS - 1}) slot`,
  );

const everySlot = Array.from({ length: SLOTS }, (_, slot) => slot);

/** Says which partitions are free, at a time when that stays so for as long as a test takes. */
async function freeSlots(): Promise<readonly number[]> {
  const slotsAt = (later: number): string => slotsToEmpty(Date.now() / 1000 + later).join();
  await until('partitions that stay free', () => slotsAt(0) === slotsAt(8), 10_000);
  return slotsToEmpty(Date.now() / 1000);
}

/** Runs `work` while another transaction has run `sql` and is open. */
async function during(url: string, sql: string, work: () => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`BEGIN; ${sql}`);
    await work();
  } finally {
    await client.end();
  }
}

describe('A replay store', () => {
  it('lets one of fifty through that use a token at once at two gateways', async () => {
    const { url } = await freshSchema();
    const [one, two] = [openStore(scope, url), openStore(scope, url)];
    const token = freshToken();
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? one : two).store.spend(token)),
    );
    assert.equal(outcomes.filter((outcome) => outcome === 'first').length, 1);
    assert.equal(outcomes.filter((outcome) => outcome === 'replayed').length, 49);
    assert.equal(await one.store.spend(freshToken()), 'first');
  });

  it('asks the database once for each token', async (t) => {
    const { url } = await freshSchema();
    const { store } = openStore(scope, url, 1);
    await store.spend(freshToken());
    const queries = t.mock.method(pg.Client.prototype, 'query');
    const times: number[] = [];
    for (let n = 0; n < 200; n += 1) {
      const startMs = performance.now();
      assert.equal(await store.spend(freshToken()), 'first');
      times.push(performance.now() - startMs);
    }
    assert.equal(queries.mock.callCount(), 200);
    t.diagnostic(`median ${times.toSorted((a, b) => a - b)[100]?.toFixed(2)} ms`);
  });

  it('refuses what was issued before the marker', async () => {
    const { url } = await freshSchema();
    const { store } = openStore(scope, url);
    assert.equal(await store.spend(freshToken(-30)), 'replayed');
    assert.equal(await store.spend(freshToken()), 'first');
  });

  it('refuses what was issued before the table was emptied, as by a failover, and takes what comes after', async () => {
    const { url, query } = await freshSchema();
    const [one, two] = [openStore(scope, url), openStore(scope, url)];
    const used = freshToken();
    const unused = freshToken(5);
    assert.equal(await one.store.spend(used), 'first');
    await query('TRUNCATE postern.spent_token');
    const emptiedAt = Date.now() / 1000;

    const outcomes = await Promise.all([one, two].map(({ store }) => store.spend(used)));
    assert.deepEqual(outcomes, ['replayed', 'replayed']);
    assert.equal(await one.store.spend(unused), 'replayed');
    const said = [...one.lines, ...two.lines].filter(
      ({ event }) => event === 'replay_store_emptied',
    );
    assert.equal(said.length, 1);
    const validFrom = Number(said[0]?.fields['validFrom']);
    const now = Date.now() / 1000;
    assert.ok(validFrom >= Math.ceil(emptiedAt + 5), `${validFrom - emptiedAt}`);
    assert.ok(validFrom <= Math.ceil(now + 5), `${validFrom - now}`);
    const fresh = { ...freshToken(), issuedAt: validFrom };
    assert.equal(await two.store.spend(fresh), 'first');
    assert.equal(await one.store.spend(fresh), 'replayed');
    assert.equal(await one.store.spend({ ...freshToken(), issuedAt: validFrom - 1 }), 'replayed');
  });

  it('lays the marker beyond its own clock, where that is ahead, by the leeway where that is longer', async () => {
    const { url, query } = await freshSchema();
    const ahead = (): number => Date.now() / 1000 + 100;
    const { store, lines } = openStore(scope, url, 1, { now: ahead, leewaySeconds: 30 });
    await query('TRUNCATE postern.spent_token');
    const earliest = Math.ceil(ahead() + 30);
    assert.equal(await store.spend(freshToken()), 'replayed');
    const emptied = lines.find(({ event }) => event === 'replay_store_emptied');
    assert.ok(Number(emptied?.fields['validFrom']) >= earliest);
  });

  it('looks after a failure whether the table has become somebody else’s', async () => {
    const database = await freshSchema();
    const { url, query } = database;
    const { store } = openStore(scope, url, 1);
    const role = await makeRole(scope, database);
    assert.equal(await store.spend(freshToken()), 'first');
    await query('ALTER TABLE postern.spent_token RENAME TO away');
    assert.equal(await store.spend(freshToken()), 'unavailable');
    await query('ALTER TABLE postern.away RENAME TO spent_token');
    await query(`ALTER TABLE postern.spent_token OWNER TO ${role.name}`);
    assert.equal(await store.spend(freshToken()), 'unavailable');
  });

  it('lays a marker that is missing when it starts', async () => {
    const { url, query } = await freshSchema();
    await query('TRUNCATE postern.spent_token');
    const { store, lines } = openStore(scope, url);
    store.start();
    await until('a new marker', () => lines.some(({ event }) => event === 'replay_store_emptied'));
  });

  it('is unavailable without its table, says so once, and works when it is there', async () => {
    const database = await freshDatabase(scope);
    const { store, lines } = openStore(scope, database.url);
    assert.equal(await store.spend(freshToken()), 'unavailable');
    assert.equal(await store.spend(freshToken()), 'unavailable');
    assert.deepEqual(
      lines.map(({ event, fields }) => [event, fields['reason']]),
      [['replay_store_failed', 'the schema postern is pending']],
    );
    await makeSchema(scope, database.url);
    assert.equal(await store.spend(freshToken()), 'first');
    await database.query('DROP TABLE postern.spent_token');
    assert.equal(await store.spend(freshToken()), 'unavailable');
    assert.equal(lines.length, 2);
  });

  it('is unavailable when its database is', async () => {
    const { store } = openStore(scope, 'postgres://gate:none@127.0.0.1:1/nowhere');
    assert.equal(await store.spend(freshToken()), 'unavailable');
  });

  it('is unavailable in a schema of somebody else, whatever that would answer', async () => {
    const database = await freshSchema();
    const mallory = await makeRole(scope, database);
    await database.query(`ALTER TABLE postern.spent_token OWNER TO ${mallory.name}`);
    const { store, lines } = openStore(scope, database.url);
    assert.equal(await store.spend(freshToken()), 'unavailable');
    assert.equal(lines[0]?.fields['reason'], 'the schema postern is foreign');
  });

  it('waits two seconds for an answer, no longer, and works after that', async () => {
    const { url } = await freshSchema();
    const { store } = openStore(scope, url, 1);
    await store.spend(freshToken());
    await during(url, 'LOCK TABLE postern.spent_token', async () => {
      const startMs = performance.now();
      const both = await Promise.all([store.spend(freshToken()), store.spend(freshToken())]);
      assert.deepEqual(both, ['unavailable', 'unavailable']);
      const tookMs = performance.now() - startMs;
      assert.ok(tookMs >= 1_900 && tookMs < 4_000, `${tookMs}`);
    });
    assert.equal(await store.spend(freshToken()), 'first');
  });

  it('takes no token that expires at a time for which it could not keep it', async () => {
    const { url } = await freshSchema();
    const { store, lines } = openStore(scope, url);
    const now = Math.floor(Date.now() / 1000);
    for (const expiresAt of [now + AHEAD_SECONDS + 10, now - 130, now * 1000])
      assert.equal(await store.spend({ ...freshToken(), expiresAt }), 'unavailable');
    assert.match(String(lines[0]?.fields['reason']), /clocks of gateway and database/);
    assert.equal(
      await store.spend({ ...freshToken(), expiresAt: now + AHEAD_SECONDS - 10 }),
      'first',
    );
  });

  it('empties the partitions that are over, and keeps what could still be used', async () => {
    const { url, query } = await freshSchema();
    const { store } = openStore(scope, url);
    const token = freshToken();
    assert.equal(await store.spend(token), 'first');
    await fill(query);
    const free = await freeSlots();
    store.start();
    const left = everySlot.filter((slot) => !free.includes(slot));
    assert.ok(free.length > 0 && left.includes(slotOf(token.expiresAt)));
    await until('empty partitions', async () => (await slotsWithRows(query)).length <= left.length);
    assert.deepEqual(await slotsWithRows(query), left);
    assert.equal(await store.spend(token), 'replayed');
  });

  it('holds up nobody where a partition cannot be emptied now, and empties it later', async () => {
    const { url, query } = await freshSchema();
    const { store } = openStore(scope, url);
    const { store: other } = openStore(scope, url);
    await fill(query);
    const free = await freeSlots();
    const held = free.map((slot) => `postern.spent_token_${slot}`).join(', ');
    await during(url, `LOCK TABLE ${held} IN ACCESS SHARE MODE`, async () => {
      store.start();
      for (let n = 0; n < 50; n += 1) assert.equal(await other.spend(freshToken()), 'first');
      assert.deepEqual(await slotsWithRows(query), everySlot);
    });
    const isEmpty = async () =>
      !(await slotsWithRows(query)).some((slot) => free.includes(Number(slot)));
    await until('empty partitions', isEmpty, 10_000);
  });

  it('needs no rights but those that postern migrate grants', async () => {
    const database = await freshDatabase(scope);
    const role = await makeRole(scope, database);
    await makeSchema(scope, database.url, role.name);
    const { store, lines } = openStore(scope, role.url);
    const token = freshToken();
    assert.equal(await store.spend(token), 'first');
    assert.equal(await store.spend(token), 'replayed');

    await database.query('TRUNCATE postern.spent_token');
    await fill(database.query);
    const free = await freeSlots();
    assert.equal(await store.spend(freshToken()), 'replayed');
    assert.deepEqual(
      lines.map(({ event }) => event),
      ['replay_store_emptied'],
    );
    store.start();
    const isEmpty = async () =>
      (await slotsWithRows(database.query)).length === SLOTS - free.length;
    await until('empty partitions', isEmpty);
  });

  it('keeps its rows out of the write-ahead log', async () => {
    const { query } = await freshSchema();
    const rows = await query(
      `SELECT DISTINCT relpersistence::text AS kind FROM pg_class
       WHERE oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'postern.spent_token'::regclass)`,
    );
    assert.deepEqual(rows, [{ kind: 'u' }]);
  });

  it('is not led astray by operators and functions of somebody else', async () => {
    const database = await freshSchema();
    await database.query(`
      CREATE SCHEMA evil;
      CREATE FUNCTION evil.yes(float8, float8) RETURNS boolean LANGUAGE sql AS 'SELECT true';
      CREATE OPERATOR evil.>= (LEFTARG = float8, RIGHTARG = float8, FUNCTION = evil.yes);
      CREATE OPERATOR evil.> (LEFTARG = float8, RIGHTARG = float8, FUNCTION = evil.yes);
      CREATE OPERATOR evil.<= (LEFTARG = float8, RIGHTARG = float8, FUNCTION = evil.yes);
      CREATE FUNCTION evil.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS
        $$ SELECT '2000-01-01'::timestamptz $$;
      ALTER DATABASE ${database.name} SET search_path TO evil, pg_catalog`);
    const { store } = openStore(scope, database.url);
    assert.equal(await store.spend(freshToken(-30)), 'replayed');
    assert.equal(await store.spend({ ...freshToken(), expiresAt: 9e9 }), 'unavailable');
    assert.equal(await store.spend(freshToken()), 'first');
  });
});
