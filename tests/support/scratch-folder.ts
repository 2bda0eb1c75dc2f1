import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Scope } from './postgres.ts';

/** An empty folder that is gone after the scope. */
export async function scratchFolder(scope: Scope): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'postern-test-'));
  scope.after(() => rm(folder, { recursive: true }));
  return folder;
}
