import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { passing, repository, start, startIn } from './test-run.ts';

/** A test file that notes when it begins and, a moment later, when it ends. */
const noting = (name: string, ms = 300): string => `
  import { appendFileSync } from 'node:fs';
  import { it } from 'node:test';
  appendFileSync('log', '+${name} ');
  await new Promise((resolve) => setTimeout(resolve, ${ms}));
  it('${name} passes', () => {});
  appendFileSync('log', '-${name} ');`;

/** A test file that ends when four of its kind have begun. */
const meeting = (name: string): string => `
  import { readFileSync, writeFileSync } from 'node:fs';
  import { it } from 'node:test';
  writeFileSync('here-${name}', '');
  const isThere = (name) => { try { readFileSync('here-' + name); return true; } catch { return false; } };
  while (!['a', 'b', 'c', 'd'].every(isThere)) await new Promise((resolve) => setTimeout(resolve, 20));
  it('${name} passes', () => {});`;

const failing = (name: string): string =>
  `import { it } from 'node:test';\nit('${name} fails', () => { throw new Error('no'); });`;

describe('npm test, in passes', { concurrency: true }, () => {
  it('runs four files at a time', async (t) => {
    const names = ['a', 'b', 'c', 'd'];
    const run = await start(
      t,
      Object.fromEntries(names.map((name) => [`tests/fault/${name}.test.ts`, meeting(name)])),
      { env: { TEST_DEADLINE_SECONDS: '10' } },
    );
    assert.equal((await run.exited()).code, 0);
    assert.match(run.stdout, /^ℹ pass 4$/m);
  });

  it('runs the exacting ones after the others, and no more than two of them at a time', async (t) => {
    const root = await repository(t, {
      'packages/gateway/test/a.test.ts': noting('unit'),
      'tests/load/b.test.ts': noting('load', 2_000),
      'tests/load/c.test.ts': noting('load', 2_000),
      'tests/security/expiry-mass.test.ts': noting('mass'),
    });
    assert.equal((await startIn(t, root).exited()).code, 0);
    const log = (await readFile(join(root, 'log'), 'utf8')).split(' ');
    assert.deepEqual(log.slice(0, 5), ['started', '+unit', '-unit', '+load', '+load']);
    assert.equal(log[5], '-load');
    assert.equal(log.at(-2), '-mass');
  });

  for (const [where, paths] of Object.entries({
    'the first': ['tests/fault/a.test.ts', 'tests/load/b.test.ts'],
    'the last': ['tests/load/b.test.ts', 'tests/fault/a.test.ts'],
  })) {
    it(`fails when something in ${where} pass does, and ends with the counts of all`, async (t) => {
      const [bad = '', good = ''] = paths;
      const files = { [bad]: failing('bad'), [good]: passing('good') };
      const run = await start(t, files, { env: { CI: '1' } });
      assert.equal((await run.exited()).code, 1);
      const end = run.stdout.slice(run.stdout.lastIndexOf('ℹ tests '));
      assert.match(end, /^ℹ tests 2\n[^]*^ℹ pass 1\nℹ fail 1\n[^]*failing tests:[^]*bad fails/m);
    });
  }
});
