import { chown, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { OwnServer } from './own-server.ts';
import { until } from './wait.ts';

const PATIENCE_MS = 15_000;

/** Makes a read replica of a server, though of no primary. Returns what makes it one again. */
export async function demote(server: OwnServer): Promise<() => Promise<void>> {
  const [setting] = await server.query('SHOW data_directory');
  const dataDir = String(setting?.['data_directory']);
  await server.stop();
  const signal = join(dataDir, 'standby.signal');
  await writeFile(signal, '');
  const { uid, gid } = await stat(dataDir);
  await chown(signal, uid, gid);

  // A server counts as started when it takes writes, which this one does when it is promoted.
  const started = server.start();
  const isReplica = async (): Promise<boolean> => {
    const rows = await server.query('SELECT pg_is_in_recovery() AS replica').catch(() => []);
    return rows[0]?.['replica'] === true;
  };
  await until('a read replica', isReplica, PATIENCE_MS);
  return async () => {
    await server.query('SELECT pg_promote()');
    await started;
  };
}
