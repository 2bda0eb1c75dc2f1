import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startEmbeddedPostgres } from '#gateway/cli/embedded/embedded-postgres.js';
import type {
  EmbeddedPostgres,
  EmbeddedPostgresOptions,
} from '#gateway/cli/embedded/embedded-postgres.js';

import { connect } from './postgres.ts';
import type { Query, Scope } from './postgres.ts';
import { removeData } from './throwaway-server.ts';

/** Awkward in a URL and in a shell. */
export const password = 'not on a command line: ä/@?"$';

/** A server and a way to ask it. */
export interface StartedServer extends EmbeddedPostgres {
  readonly query: Query;
}

/** A path for data, in a folder that nobody else can enter. Nothing is there, nor after the scope. */
export async function newDataDir(scope: Scope): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'postern-embedded-'));
  const dataDir = join(folder, 'data');
  scope.after(async () => {
    await removeData(dataDir);
    await rm(folder, { recursive: true, force: true });
  });
  return dataDir;
}

/** Starts the server that is under test. It is gone, with its data, at the end of the scope. */
export async function startServer(
  scope: Scope,
  options: Partial<EmbeddedPostgresOptions> = {},
): Promise<StartedServer> {
  const dataDir = options.dataDir ?? (await newDataDir(scope));
  const settings = { fsync: 'off' };
  const server = await startEmbeddedPostgres({ password, settings, ...options, dataDir });
  const { query, close } = connect(server.url);
  scope.after(async () => {
    await close();
    await server.stop();
  });
  return { ...server, query };
}
