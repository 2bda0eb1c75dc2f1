import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { readMigrations } from '#gateway/postgres/migrations.js';

import { startPostern } from '../support/child.ts';
import { examine, finds } from '../support/doctor.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import type { TestDatabase } from '../support/postgres.ts';
import { makeRole } from '../support/roles.ts';
import { serve } from '../support/served.ts';
import { inSeconds } from '../support/tokens.ts';

const scope = failOnLeaks();

/** A busy machine is slow to start programs. */
const PATIENCE_MS = 30_000;
const names = readMigrations().map(({ name }) => name);

async function postern(url: string, ...args: readonly string[]) {
  const child = startPostern(scope, ['migrate', ...args], { env: { POSTERN_DATABASE_URL: url } });
  const { code } = await child.exited(PATIENCE_MS);
  return { code, stdout: child.stdout, stderr: child.stderr };
}

const ledger = async ({ query }: TestDatabase) =>
  (await query('SELECT name FROM postern.migration ORDER BY number')).map((row) => row['name']);

const isThere = async ({ query }: TestDatabase): Promise<boolean> =>
  (await query(`SELECT FROM pg_namespace WHERE nspname = 'postern'`)).length > 0;

describe('postern migrate', () => {
  it('prints what would run with --dry-run, and changes nothing', async () => {
    const database = await freshDatabase(scope);
    const { code, stdout } = await postern(database.url, '--dry-run', '--grant', 'the "gate"');
    assert.equal(code, 0);
    for (const { name, sql } of readMigrations()) assert.ok(stdout.includes(`-- ${name}\n${sql}`));
    assert.match(stdout, /GRANT USAGE ON SCHEMA postern TO "the ""gate""";/);
    assert.equal(await isThere(database), false);
  });

  it('is done by one of two that start at once, and the other finds it done', async () => {
    const database = await freshDatabase(scope);
    const both = await Promise.all([postern(database.url), postern(database.url)]);
    const outputs = both.map(({ stdout }) => stdout).toSorted();
    assert.deepEqual(
      both.map(({ code, stderr }) => [code, stderr]),
      [
        [0, ''],
        [0, ''],
      ],
    );
    assert.deepEqual(outputs, [
      'nothing is pending\n',
      names.map((name) => `ran ${name}\n`).join(''),
    ]);
    assert.deepEqual(await ledger(database), names);

    const again = await postern(database.url, '--dry-run');
    assert.equal(again.stdout, '-- nothing is pending\n');
  });

  it('says what keeps it from it, and what mends that', async () => {
    const database = await freshDatabase(scope);
    const role = await makeRole(scope, database);
    for (const args of [[], ['--dry-run']]) {
      const { code, stderr } = await postern(role.url, ...args);
      assert.equal(code, 1);
      assert.match(
        stderr,
        /^postern: nothing was changed: the user may not create.*; GRANT CREATE/,
      );
    }
    const { code, stderr } = await postern(database.url, '--grant', 'nobody at all');
    assert.equal(code, 1);
    assert.match(stderr, /not given to nobody at all \(42704\); create that role/);
  });

  it('leaves a database alone that a later version migrated, and says so', async () => {
    const database = await freshDatabase(scope);
    await postern(database.url);
    await database.query(`INSERT INTO postern.migration VALUES (9999, '9999-later')`);
    const { code, stdout } = await postern(database.url);
    assert.deepEqual(
      [code, stdout],
      [0, 'a later version of postern migrated this database: it is left alone\n'],
    );
  });
});

describe('postern serve', () => {
  it('migrates at its start, and says so', async () => {
    const database = await freshDatabase(scope);
    const { child } = await serve(scope, database);
    assert.match(await child.line(/"event":"schema_migrated"/), new RegExp(names.join(' ')));
    assert.deepEqual(await ledger(database), names);
  });

  it('leaves the schema alone when POSTERN_MIGRATE is off', async () => {
    const database = await freshDatabase(scope);
    const environment = { POSTERN_MIGRATE: 'false' };
    const { child } = await serve(scope, { ...database, environment });
    await child.line(/"event":"ready"/);
    assert.equal(await isThere(database), false);
    assert.doesNotMatch(child.stdout, /schema/);
  });

  it('works without any right to a schema, and says once what that costs', async () => {
    const database = await freshDatabase(scope);
    const role = await makeRole(scope, database);
    const { child, client } = await serve(scope, { ...database, url: role.url });
    await child.line(/"event":"ready"/);
    const member = await client({ mode: 'rw', channels: ['chat'], exp: inSeconds(600) });
    member.send('hello');
    assert.equal(JSON.parse(await member.message()).payload, 'hello');
    await member.close();
    const said = child.stdout.split('\n').filter((line) => line.includes('schema_unusable'));
    assert.equal(said.length, 1);
    assert.match(said[0] ?? '', /may not create.*"mend":"GRANT CREATE ON DATABASE/);
  });

  it('works beside a schema of somebody else, which it does not use, and says whose it is', async () => {
    const database = await freshDatabase(scope);
    const mallory = await makeRole(scope, database);
    await database.query(`CREATE SCHEMA postern AUTHORIZATION ${mallory.name}`);
    const { child } = await serve(scope, database);
    const line = await child.line(/"event":"schema_unusable"/);
    assert.ok(line.includes(mallory.name));
    await child.line(/"event":"ready"/);
    const tables = await database.query(
      `SELECT FROM pg_class WHERE relnamespace = 'postern'::regnamespace`,
    );
    assert.deepEqual(tables, []);
  });

  it('says that a later version was there, and leaves its schema as it is', async () => {
    const database = await freshDatabase(scope);
    await postern(database.url);
    await database.query(`INSERT INTO postern.migration VALUES (9999, '9999-later')`);
    const { child } = await serve(scope, database);
    assert.match(await child.line(/"event":"schema_newer"/), /"migration":9999/);
    await child.line(/"event":"ready"/);
    assert.deepEqual(await ledger(database), [...names, '9999-later']);
  });
});

describe('postern doctor, of the schema', () => {
  it('says whether migrations are pending', async () => {
    const database = await freshDatabase(scope);
    const role = await makeRole(scope, database);
    const schemaAt = async (url: string) =>
      await examine(scope, { POSTERN_DATABASE_URL: url, POSTERN_JWT_SECRET: 's'.repeat(32) });
    finds(await schemaAt(database.url), 'schema', {
      status: 'ok',
      found: new RegExp(`${names.length} migrations? (is|are) pending`),
    });
    finds(await schemaAt(role.url), 'schema', {
      status: 'warning',
      found: /may not create/,
      mend: /postern migrate --grant/,
    });
    await postern(database.url, '--grant', role.name);
    for (const url of [database.url, role.url])
      finds(await schemaAt(url), 'schema', { status: 'ok', found: /all migrations have run/ });
    await database.query(`REVOKE INSERT ON postern.present_session FROM ${role.name}`);
    finds(await schemaAt(role.url), 'schema', {
      status: 'warning',
      found: /lacks rights to postern\.present_session:/,
      mend: /postern migrate --grant/,
    });
  });
});
