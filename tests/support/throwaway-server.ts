import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { lstat, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { serverAccount } from '#gateway/cli/embedded/account.js';
import { findBinaries } from '#gateway/cli/embedded/binaries.js';
import { ensureData, placeData } from '#gateway/cli/embedded/data-folder.js';
import { startEmbeddedPostgres } from '#gateway/cli/embedded/embedded-postgres.js';
import type { EmbeddedPostgres } from '#gateway/cli/embedded/embedded-postgres.js';
import { stopLeftBehind } from '#gateway/cli/embedded/left-behind.js';
import { traceProcess } from '#gateway/cli/embedded/processes.js';

/**
 * Tests do not outlive a crash of the machine, so nothing waits for its disk; nor do they last until there is
 * something to vacuum, and a server takes fewer processes for each that it does without.
 */
const FAST = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  autovacuum: 'off',
  io_method: 'sync',
} as const;

/** Nothing else may begin like this: what does, and names no process that lives, is cleared away. */
const PREFIX = 'postern-test-data-';

/** Set by the test runner for all its files: the folder of data to copy, and the password of its superuser. */
const READY = { folder: 'POSTERN_TEST_DATA', password: 'POSTERN_TEST_DATA_PASSWORD' } as const;

/** Data of a server that never ran, for others to copy: to make it takes many times as long. */
export interface ReadyData {
  /** What tells the tests of it. */
  readonly environment: Readonly<Record<string, string>>;
  remove(): Promise<void>;
}

/** A folder for data that `start` may be called for again and again, until it is removed. */
export interface Throwaway {
  start(port?: number): Promise<EmbeddedPostgres>;
  /** Removes the data. The server has to be stopped. */
  remove(): Promise<void>;
}

/** Makes data for a whole test run, and clears away what killed ones left behind. */
export async function readyData(): Promise<ReadyData> {
  await sweep();
  const path = newPath();
  const password = randomUUID();
  const account = await serverAccount();
  const folder = await placeData(path, account);
  const { initdb } = await findBinaries(account === undefined ? 'ourselves' : 'another account');
  await ensureData(folder, { initdb, password, durable: false, onLog: () => {} });
  return {
    environment: { [READY.folder]: folder.dataDir, [READY.password]: password },
    remove: () => removeData(path),
  };
}

/** Names a new folder for data: a copy of what the run has ready, or made by the first start. */
export async function throwaway(
  settings: Readonly<Record<string, string>> = {},
  { [READY.folder]: ready, [READY.password]: password = randomUUID() } = process.env,
): Promise<Throwaway> {
  await sweep();
  const path = newPath();
  if (ready !== undefined) await copyData(ready, path);
  return {
    start: (port = 0) =>
      startEmbeddedPostgres({ dataDir: path, port, password, settings: { ...FAST, ...settings } }),
    remove: () => removeData(path),
  };
}

/** It says which process made it, so that only those of dead ones are cleared away. */
function newPath(): string {
  return join(tmpdir(), `${PREFIX}${process.pid}-${randomUUID()}`);
}

/** By a program, for Node keeps no owners, and the server insists on being the one. */
async function copyData(ready: string, path: string): Promise<void> {
  const { path: wanted, dataDir } = await placeData(path, await serverAccount());
  await promisify(execFile)('cp', ['-Rp', ready, dataDir]);
  if (wanted !== dataDir) await symlink(dataDir, wanted);
}

async function sweep(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(PREFIX)) continue;
    const maker = Number.parseInt(name.slice(PREFIX.length), 10);
    const path = join(tmpdir(), name);
    const stats = await lstat(path).catch(() => undefined);
    if (stats?.uid !== process.getuid?.() || (await traceProcess(maker)) !== undefined) continue;
    await removeData(path);
  }
}

/** Stops what still runs with the data wanted at `path`, and removes it, wherever it lies. */
export async function removeData(path: string): Promise<void> {
  const { dataDir } = await placeData(path, await serverAccount());
  await stopLeftBehind(dataDir);

  const folder = dirname(dataDir);
  const names = (await readdir(folder)).filter((name) => name.startsWith(basename(dataDir)));
  for (const leftover of [...names.map((name) => join(folder, name)), path]) {
    await rm(leftover, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}
