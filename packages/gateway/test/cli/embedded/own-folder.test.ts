import assert from 'node:assert/strict';
import { chmod, chown, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';

import { isSafe, makeFolder, ownFolder } from '#gateway/cli/embedded/own-folder.js';

const uid = process.getuid?.() ?? 0;

describe('A folder that programs are run from', () => {
  it('is safe when nobody else can write to it or above it', async (t) => {
    const { folder } = await nestedFolders(t);
    assert.equal(await isSafe(folder, uid), true);
  });

  it('is not when it belongs to somebody else', async (t) => {
    const { folder } = await nestedFolders(t);
    assert.equal(await isSafe(folder, uid + 1), false);
  });

  for (const mode of [0o775, 0o757]) {
    it(`is not with mode ${mode.toString(8)}, nor below a folder with that`, async (t) => {
      const { folder, parent } = await nestedFolders(t);
      await chmod(parent, mode);
      assert.equal(await isSafe(folder, uid), false);
      await chmod(parent, 0o755);
      await chmod(folder, mode);
      assert.equal(await isSafe(folder, uid), false);
    });
  }

  it('is below a sticky folder, where nobody can replace it', async (t) => {
    const { folder, parent } = await nestedFolders(t);
    await chmod(parent, 0o1777);
    assert.equal(await isSafe(folder, uid), true);
  });

  it('is not below a folder of somebody else', { skip: uid !== 0 }, async (t) => {
    const { folder, parent } = await nestedFolders(t);
    await chown(parent, 65534, 65534);
    assert.equal(await isSafe(folder, uid), false);
  });

  it('must be open to all users when it is root’s', { skip: uid !== 0 }, async (t) => {
    const { folder, parent } = await nestedFolders(t);
    await chmod(parent, 0o700);
    assert.equal(await isSafe(folder, uid), false);
  });

  it('is found, and safe', async () => {
    assert.equal(await isSafe(await ownFolder(), uid), true);
  });
});

it('A folder that is made can be entered by everyone, and one that was there stays as it is', async (t) => {
  const { folder, parent } = await nestedFolders(t);
  const umask = process.umask(0o077);
  await makeFolder(join(folder, 'new')).finally(() => process.umask(umask));
  assert.equal((await stat(join(folder, 'new'))).mode & 0o777, 0o755);

  await chmod(parent, 0o700);
  await makeFolder(parent);
  assert.equal((await stat(parent)).mode & 0o777, 0o700);
});

interface Folders {
  readonly parent: string;
  readonly folder: string;
}

async function nestedFolders(t: TestContext): Promise<Folders> {
  const parent = await mkdtemp(join(tmpdir(), 'postern-folder-'));
  t.after(() => rm(parent, { recursive: true }));
  const folder = join(parent, 'inner');
  await mkdir(folder);
  for (const each of [parent, folder]) await chmod(each, 0o755);
  return { parent, folder };
}
