import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { optionRows } from '#gateway/config/options.js';

import { startPostern } from '../support/child.ts';
import { failOnLeaks } from '../support/leaks.ts';

const scope = failOnLeaks();

/** What a call of `postern` printed and ended with. */
async function call(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'postern-cli-'));
  scope.after(() => rm(folder, { recursive: true }));
  const child = startPostern(scope, args, { env: environment, cwd: folder });
  const { code } = await child.exited();
  return { code, stdout: child.stdout, stderr: child.stderr };
}

describe('postern', () => {
  it('says what it can do', async () => {
    for (const args of [['--help'], ['-h'], ['help']]) {
      const { code, stdout } = await call(args);
      assert.equal(code, 0);
      assert.match(stdout, /serve .*\n.*dev /);
    }
  });

  it('says the same, and fails, when it is called without a command or with one that is none', async () => {
    const without = await call([]);
    assert.equal(without.code, 2);
    assert.match(without.stdout, /Usage: postern <command>/);

    const wrong = await call(['toString']);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /no command "toString"[^]*Usage: postern <command>/);
  });

  it('says the version of its package', async () => {
    const manifest: unknown = createRequire(import.meta.url)('postern/package.json');
    assert.ok(typeof manifest === 'object' && manifest !== null && 'version' in manifest);
    for (const flag of ['--version', '-v'])
      assert.deepEqual(await call([flag]), {
        code: 0,
        stdout: `${String(manifest.version)}\n`,
        stderr: '',
      });
  });
});

for (const command of ['serve', 'dev'])
  describe(`postern ${command}`, () => {
    it('explains every option', async () => {
      const { code, stdout } = await call([command, '--help']);
      assert.equal(code, 0);
      for (const { flag } of optionRows) assert.match(stdout, new RegExp(`--${flag} `));
    });

    it('prints what is in force, and no secret', async () => {
      const { code, stdout } = await call([command, '--print-config', '--pool-size', '7'], {
        POSTERN_DATABASE_URL: 'postgres://ann:hunter2@db.test/app',
        POSTERN_JWT_SECRET: 'hunter2 hunter2 hunter2 hunter2 hunter2',
        POSTERN_META_CHANNEL: 'meta',
      });
      assert.equal(code, 0);
      assert.doesNotMatch(stdout, /hunter2/);
      const shown: unknown = JSON.parse(stdout);
      assert.ok(typeof shown === 'object' && shown !== null);
      assert.equal(Reflect.get(shown, 'poolSize'), 7);
      assert.equal(Reflect.get(shown, 'metaChannel'), 'meta');
      assert.equal(Reflect.get(shown, 'jwtSecret'), '[secret]');
      // What dev starts is its own database, and no other one is ever named.
      const database = command === 'dev' ? undefined : 'postgres://ann:***@db.test/app';
      assert.equal(Reflect.get(shown, 'databaseUrl'), database);
    });

    it('refuses a flag that it does not know, and a value that is wrong, with 2', async () => {
      const unknown = await call([command, '--prot', '1']);
      assert.equal(unknown.code, 2);
      assert.match(unknown.stderr, /--prot/);

      const wrong = await call([command, '--port', 'hunter2']);
      assert.equal(wrong.code, 2);
      assert.match(wrong.stderr, /--port: expected a whole number/);
      assert.doesNotMatch(wrong.stderr, /hunter2|at .*:\d+:\d+/);
    });
  });

describe('postern serve without a database', () => {
  it('names the way to try it without one', async () => {
    const { code, stderr } = await call(['serve']);
    assert.equal(code, 2);
    assert.match(stderr, /POSTERN_DATABASE_URL is not set.*`postern dev`/);
  });
});
