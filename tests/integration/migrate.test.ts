import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { migrate } from '#gateway/postgres/migrate.js';
import type { MigrateOutcome } from '#gateway/postgres/migrate.js';
import { readMigrations } from '#gateway/postgres/migrations.js';
import type { Migration } from '#gateway/postgres/migrations.js';
import { inspectSchema } from '#gateway/postgres/schema-state.js';

import { openDatabase } from '../support/feed-parts.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import type { Query } from '../support/postgres.ts';
import { makeRole } from '../support/roles.ts';
import { until } from '../support/wait.ts';

const scope = failOnLeaks();

const ours = readMigrations();
const next = ours.length + 1;

/** Ours, and more that run after them. */
function and(...sql: readonly string[]): readonly Migration[] {
  const more = sql.map((text, index) => ({
    number: next + index,
    name: `${next + index}-more`,
    sql: text,
  }));
  return [...ours, ...more];
}

function run(url: string, migrations: readonly Migration[] = ours): Promise<MigrateOutcome> {
  const database = openDatabase(scope, url, () => undefined);
  return database.lend(10_000, (client) => migrate(client, migrations));
}

async function stateAt(url: string, migrations = ours) {
  const database = openDatabase(scope, url, () => undefined);
  return await database.lend(10_000, (client) => inspectSchema(client, migrations));
}

const ledger = async (query: Query) =>
  (await query('SELECT name FROM postern.migration ORDER BY number')).map((row) => row['name']);

const isThere = async (query: Query): Promise<boolean> =>
  (await query(`SELECT FROM pg_namespace WHERE nspname = 'postern'`)).length > 0;

const names = (migrations: readonly Migration[]) => migrations.map(({ name }) => name);

describe('migrate', () => {
  it('runs all in order, and each once', async () => {
    const { url, query } = await freshDatabase(scope);
    const two = and(
      'CREATE TABLE postern.more (n int)',
      'INSERT INTO postern.more SELECT count(*) FROM postern.more',
    );
    assert.equal((await stateAt(url, two)).state, 'pending');
    assert.equal((await run(url, two)).outcome, 'migrated');
    assert.deepEqual(await run(url, two), { outcome: 'left', schema: { state: 'current' } });
    assert.deepEqual(await ledger(query), names(two));
    assert.deepEqual(await query('SELECT n FROM postern.more'), [{ n: 0 }]);
  });

  it('runs only what is new', async () => {
    const { url, query } = await freshDatabase(scope);
    await run(url);
    const more = and('CREATE TABLE postern.more (n int)');
    const done = await run(url, more);
    assert.ok(done.outcome === 'migrated');
    assert.deepEqual(names(done.migrations), names(more.slice(ours.length)));
    assert.deepEqual(await ledger(query), names(more));
  });

  it('is done by one of many that start at once, and the others wait for nothing', async () => {
    const { url, query } = await freshDatabase(scope);
    const slow = and('CREATE TABLE postern.more (n int); SELECT pg_sleep(0.2)');
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => run(url, slow)));
    const counted = outcomes.filter(({ outcome }) => outcome === 'migrated');
    assert.equal(counted.length, 1);
    assert.ok(outcomes.some(({ outcome }) => outcome === 'busy'));
    assert.deepEqual(await ledger(query), names(slow));
    assert.deepEqual(await run(url, slow), { outcome: 'left', schema: { state: 'current' } });
  });

  it('rolls everything back when one fails, says which, and lets go of the lock', async () => {
    const { url, query } = await freshDatabase(scope);
    const broken = and('CREATE TABLE postern.more (n int)', 'SELECT secret_input FROM nowhere');
    await assert.rejects(run(url, broken), (error: Error) => {
      assert.match(error.message, new RegExp(`migration ${next + 1}-more failed \\(42P01\\)`));
      assert.doesNotMatch(error.message, /secret_input/);
      return true;
    });
    assert.equal(await isThere(query), false);
    assert.equal((await run(url)).outcome, 'migrated');
  });

  it('leaves a database alone that a later version migrated', async () => {
    const { url, query } = await freshDatabase(scope);
    const later = and('CREATE TABLE postern.more (n int)');
    await run(url, later);
    assert.deepEqual(await run(url), {
      outcome: 'left',
      schema: { state: 'newer', found: later.length },
    });
    assert.deepEqual(await ledger(query), names(later));
  });

  it('changes nothing where the role may not create the schema', async () => {
    const database = await freshDatabase(scope);
    const role = await makeRole(scope, database);
    assert.deepEqual(await run(role.url), { outcome: 'left', schema: { state: 'forbidden' } });
    assert.equal(await isThere(database.query), false);
  });

  it('runs in a schema that was made for its role, without a right to the database', async () => {
    const database = await freshDatabase(scope);
    const role = await makeRole(scope, database);
    await database.query(`CREATE SCHEMA postern AUTHORIZATION ${role.name}`);
    assert.equal((await run(role.url)).outcome, 'migrated');
  });

  it('does not look into a schema of somebody else, nor write there', async () => {
    const database = await freshDatabase(scope);
    const [mallory, gate] = [await makeRole(scope, database), await makeRole(scope, database)];
    await database.query(`GRANT CREATE ON DATABASE ${database.name} TO ${gate.name}`);
    await database.query(`CREATE SCHEMA postern AUTHORIZATION ${mallory.name}`);
    await database.query(`GRANT ALL ON SCHEMA postern TO PUBLIC`);
    const foreign = { outcome: 'left', schema: { state: 'foreign', owner: mallory.name } };
    assert.deepEqual(await run(gate.url), foreign);
    // A superuser has the most to lose: a trigger of somebody else's would run with its rights.
    assert.deepEqual(await run(database.url), foreign);
  });

  it('does not write into a table that somebody else made in a schema of its own', async () => {
    const database = await freshDatabase(scope);
    const [mallory, gate] = [await makeRole(scope, database), await makeRole(scope, database)];
    await database.query(`CREATE SCHEMA postern AUTHORIZATION ${gate.name}`);
    await database.query('CREATE TABLE postern.migration (number int, name text)');
    await database.query(`ALTER TABLE postern.migration OWNER TO ${mallory.name}`);
    assert.deepEqual(await run(gate.url), {
      outcome: 'left',
      schema: { state: 'foreign', owner: mallory.name },
    });
  });

  it('makes the schema itself, or fails: one that appears meanwhile is not used', async () => {
    const database = await freshDatabase(scope);
    const mallory = await makeRole(scope, database);
    const admin = openDatabase(scope, database.url, () => undefined);
    await admin.lend(10_000, async (other) => {
      await other.query(`BEGIN; CREATE SCHEMA postern AUTHORIZATION ${mallory.name}`);
      const late = run(database.url);
      await until('the wait for the other transaction', async () => {
        const waits = await database.query(
          `SELECT FROM pg_stat_activity WHERE query LIKE 'CREATE SCHEMA%' AND wait_event_type = 'Lock'`,
        );
        return waits.length > 0;
      });
      await other.query('COMMIT');
      await assert.rejects(late, /of the schema itself failed/);
    });
    assert.deepEqual(
      await database.query(`SELECT FROM pg_class WHERE relnamespace = 'postern'::regnamespace`),
      [],
    );
  });

  it('trusts the owner of the database, and the roles that its own is a member of', async () => {
    const database = await freshDatabase(scope);
    const [owner, group, gate] = [
      await makeRole(scope, database),
      await makeRole(scope, database),
      await makeRole(scope, database),
    ];
    await database.query(`CREATE SCHEMA postern AUTHORIZATION ${group.name}`);
    assert.equal((await stateAt(gate.url)).state, 'foreign');
    await database.query(`GRANT ${group.name} TO ${gate.name}`);
    assert.equal((await stateAt(gate.url)).state, 'pending');

    await database.query(`ALTER SCHEMA postern OWNER TO ${owner.name}`);
    assert.equal((await stateAt(gate.url)).state, 'foreign');
    await database.query(`ALTER DATABASE ${database.name} OWNER TO ${owner.name}`);
    assert.equal((await stateAt(gate.url)).state, 'forbidden');
    await database.query(`ALTER DATABASE ${database.name} OWNER TO CURRENT_USER`);
  });

  it('leaves a database alone that takes no writes', async () => {
    const { url, name, query } = await freshDatabase(scope);
    await query(`ALTER DATABASE ${name} SET default_transaction_read_only TO on`);
    assert.deepEqual(await run(url), { outcome: 'left', schema: { state: 'readonly' } });
  });

  it('is not led astray by a search_path with names like PostgreSQL’s own', async () => {
    const database = await freshDatabase(scope);
    const { query, name } = database;
    await query(`
      CREATE SCHEMA evil;
      CREATE TABLE evil.seen (what text);
      CREATE TABLE evil.pg_namespace AS SELECT oid, 'postern'::name AS nspname, 10::oid AS nspowner
        FROM pg_class LIMIT 0;
      CREATE FUNCTION evil.pg_try_advisory_xact_lock(text) RETURNS boolean LANGUAGE sql AS
        $$ INSERT INTO evil.seen VALUES ('lock') RETURNING true $$;
      CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE sql AS
        $$ INSERT INTO evil.seen VALUES ('now') RETURNING '2000-01-01'::timestamptz $$;
      ALTER DATABASE ${name} SET search_path TO evil, pg_catalog`);
    assert.equal((await run(database.url)).outcome, 'migrated');
    assert.deepEqual(await query('SELECT what FROM evil.seen'), []);
  });

  it('gives the public no rights, whatever is usual in the database', async () => {
    const { url, query } = await freshDatabase(scope);
    await query('ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC');
    await query('ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO PUBLIC');
    await run(url);
    const [{ open } = {}] = await query(`
      SELECT count(*)::int AS open FROM (
        SELECT nspacl AS acl FROM pg_namespace WHERE nspname = 'postern'
        UNION ALL SELECT relacl FROM pg_class WHERE relnamespace = 'postern'::regnamespace
          AND relkind IN ('r', 'p', 'v')
      ) objects, aclexplode(acl) WHERE grantee = 0`);
    assert.equal(open, 0);
  });
});
