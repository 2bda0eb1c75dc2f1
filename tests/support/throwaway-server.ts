import { randomUUID } from 'node:crypto';
import { lstat, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

import { serverAccount } from '#gateway/cli/embedded/account.js';
import { placeData } from '#gateway/cli/embedded/data-folder.js';
import { startEmbeddedPostgres } from '#gateway/cli/embedded/embedded-postgres.js';
import type { EmbeddedPostgres } from '#gateway/cli/embedded/embedded-postgres.js';
import { stopLeftBehind } from '#gateway/cli/embedded/left-behind.js';
import { traceProcess } from '#gateway/cli/embedded/processes.js';

/** Tests do not outlive a crash of the machine, so nothing waits for its disk. */
const FAST = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' } as const;

/** Nothing else may begin like this: what does, and names no process that lives, is cleared away. */
const PREFIX = 'postern-test-data-';

/** A folder for data that `start` may be called for again and again, until it is removed. */
export interface Throwaway {
  start(port?: number): Promise<EmbeddedPostgres>;
  /** Removes the data. The server has to be stopped. */
  remove(): Promise<void>;
}

/** Names a new folder for data, and clears away what killed test runs left behind. */
export async function throwaway(
  settings: Readonly<Record<string, string>> = {},
): Promise<Throwaway> {
  await sweep();
  const path = join(tmpdir(), `${PREFIX}${process.pid}-${randomUUID()}`);
  const password = randomUUID();
  return {
    start: (port = 0) =>
      startEmbeddedPostgres({ dataDir: path, port, password, settings: { ...FAST, ...settings } }),
    remove: () => removeData(path),
  };
}

/** The name of a folder says which process made it, so that only those of dead ones are cleared away. */
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
