import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { readMigrations } from '#gateway/postgres/migrations.js';

const folder = mkdtempSync(join(tmpdir(), 'postern-migrations-'));
after(() => rmSync(folder, { recursive: true }));

describe('The migrations', () => {
  it('are numbered from 1, without gaps', () => {
    const migrations = readMigrations();
    assert.ok(migrations.length > 0);
    assert.deepEqual(
      migrations.map(({ number }) => number),
      migrations.map((_, index) => index + 1),
    );
  });

  for (const { name, sql } of readMigrations()) {
    // What a function does is done when it is called, and its settings are its own.
    const statements = sql
      .replaceAll(/--.*$/gm, '')
      .replaceAll(/\$\$[^]*?\$\$/g, '')
      .replaceAll(/^LANGUAGE plpgsql.* SET search_path = pg_catalog, pg_temp AS\b/gm, '');

    it(`${name} leaves the transaction that it runs in alone`, () => {
      assert.doesNotMatch(statements, /\b(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|SET|RESET)\b/i);
    });

    it(`${name} holds nothing that a database might not be able to hold`, () => {
      assert.doesNotMatch(sql, /[^\n -~]/);
    });

    it(`${name} names the schema of whatever it creates`, () => {
      const created = statements.matchAll(
        /\bCREATE\s+(?:UNLOGGED\s+)?(?:TABLE|FUNCTION|VIEW|TYPE)\s+(?:IF\s+NOT\s+EXISTS\s+)?(\S+)/gi,
      );
      for (const [, name_] of created) assert.match(name_ ?? '', /^postern\./);
      assert.doesNotMatch(statements, /IF\s+NOT\s+EXISTS|OR\s+REPLACE/i);
    });
  }

  it('are not taken from a folder with a gap or a strange name', () => {
    const put = (file: string): void => writeFileSync(join(folder, file), 'SELECT 1');
    put('0001-first.sql');
    assert.deepEqual(
      readMigrations(folder).map(({ name }) => name),
      ['0001-first'],
    );
    put('0003-third.sql');
    assert.throws(() => readMigrations(folder), /Migration 2 .*0003-third\.sql/);
    put('0002-second.sql');
    assert.equal(readMigrations(folder).length, 3);
    put('notes.txt');
    assert.throws(() => readMigrations(folder), /notes\.txt/);
  });
});
