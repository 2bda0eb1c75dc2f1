import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { root } from './pages.ts';
import type { Scope } from './postgres.ts';
import { scratchFolder } from './scratch-folder.ts';

/** Makes the bundles of the client, and returns the folder that they are in. */
export async function makeBundles(scope: Scope): Promise<string> {
  const folder = await scratchFolder(scope);
  const script = join(root, 'build', 'scripts', 'bundles.js');
  await promisify(execFile)(process.execPath, [script, '--into', folder]);
  return folder;
}
