import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Scope } from '../support/postgres.ts';

/** The root of this repository. */
export const repository = fileURLToPath(new URL('../../..', import.meta.url));

/** What to put into a folder: texts by path, and paths of the repository to copy as they are. */
export interface Contents {
  readonly files: Readonly<Record<string, string>>;
  readonly copies: readonly string[];
}

/** Makes a folder that lasts as long as the scope, and returns its path. */
export async function scratchFolder(scope: Scope, { files, copies }: Contents): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'postern-tooling-'));
  scope.after(() => rm(root, { recursive: true, force: true }));
  for (const path of copies) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await copyFile(join(repository, path), join(root, path));
  }
  for (const [path, text] of Object.entries(files)) await put(root, path, text);
  return root;
}

/** Writes a file, and its folder where that is missing. Programs can be run. */
export async function put(root: string, path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text, { mode: text.startsWith('#!') ? 0o755 : 0o644 });
}
