import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

import { startPostern } from '../support/child.ts';
import type { Child } from '../support/child.ts';
import { connect } from '../support/postgres.ts';
import type { Query, Scope } from '../support/postgres.ts';
import { removeData } from '../support/throwaway-server.ts';

/** Making a database takes most of it. */
const START_MS = 60_000;

/** `postern dev`, as people run it: in a folder of its own, and known by what it prints. */
export interface DevProgram {
  readonly child: Child;
  /** Of the page. */
  readonly url: string;
  readonly port: number;
  /** As printed, with its password. */
  readonly databaseUrl: string;
  /** Runs SQL there, over a connection that is closed again. */
  readonly query: Query;
  /** Process id of its PostgreSQL. */
  postgresPid(): Promise<number>;
}

let shared: Promise<DevProgram> | undefined;

/** That of all the files that share this process, for those who leave it as it is. It ends with the process. */
export function sharedDev(): Promise<DevProgram> {
  return (shared ??= startDev({ after }));
}

/** Starts `postern dev` in a new folder, at any free port by default. It is ended, and the folder removed, at the end of the scope. */
export async function startDev(scope: Scope, port = 0): Promise<DevProgram> {
  const cwd = await mkdtemp(join(tmpdir(), 'postern-dev-'));
  const data = join(cwd, '.postern', 'postgres');
  let kill = (): Promise<void> => Promise.resolve();
  const killLast: Scope = { after: (cleanUp) => (kill = cleanUp) };
  const child = startPostern(killLast, ['dev'], {
    cwd,
    // Several of these run at once, and the usual port of metrics can be had by one.
    env: { POSTERN_PORT: String(port), POSTERN_ADMIN_PORT: '0' },
  });
  scope.after(async () => {
    child.signal('SIGINT');
    try {
      await child.exited();
    } finally {
      await kill();
      await removeData(data);
    }
    await rm(cwd, { recursive: true });
  });

  await child.line(/Ctrl-C/, START_MS);
  const url = printed(child, 'Page');
  const databaseUrl = printed(child, 'PostgreSQL');
  return {
    child,
    url,
    port: Number(new URL(url).port),
    databaseUrl,
    query: async (sql, parameters) => {
      const { query, close } = connect(databaseUrl);
      try {
        return await query(sql, parameters);
      } finally {
        await close();
      }
    },
    postgresPid: async () => Number.parseInt(await readFile(join(data, 'postmaster.pid'), 'utf8')),
  };
}

function printed(child: Child, name: string): string {
  const value = new RegExp(`^ *${name} +(\\S+)$`, 'm').exec(child.stdout)?.[1];
  assert.ok(value, `There is no ${name} in the output:\n${child.stdout}`);
  return value;
}
