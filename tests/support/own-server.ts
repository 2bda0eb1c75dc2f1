import { randomBytes } from 'node:crypto';

import { connect } from './postgres.ts';
import type { Query, Scope } from './postgres.ts';
import { throwaway } from './throwaway-server.ts';
import { until } from './wait.ts';

/** A server to be maltreated: what happens to it happens to no other test. */
export interface OwnServer {
  /** Of the superuser and the database `postgres`; the same after each start. */
  readonly url: string;
  /** The database channel to LISTEN on. */
  readonly channel: string;
  readonly query: Query;
  /** Process id of the postmaster. */
  pid(): number;
  stop(): Promise<void>;
  start(): Promise<void>;
  restart(): Promise<void>;
  /** Kills the postmaster: its backends notice and end, and nobody says goodbye. */
  kill9(): Promise<void>;
  /** Stops a process (SIGSTOP): its connection stays open and silent. */
  pause(pid: number): void;
  /** Lets it go on. The end of the scope does so for all. */
  resume(pid: number): void;
  /** Process id of the backend that listens on `channel`; waited for. */
  listenBackendPid(channel: string): Promise<number>;
}

/** Starts a server that nobody else uses. It is gone, data and all, at the end of the scope. */
export async function ownServer(
  scope: Scope,
  { settings = {} }: { readonly settings?: Readonly<Record<string, string>> } = {},
): Promise<OwnServer> {
  const data = await throwaway(settings);
  let server = await data.start();
  const { url, port } = server;
  const { query, close } = connect(url);
  const paused = new Set<number>();

  const stop = (): Promise<void> => server.stop();
  const start = async (): Promise<void> => {
    server = await data.start(port);
  };

  scope.after(async () => {
    paused.forEach(wake);
    await close();
    await server.stop();
    await data.remove();
  });
  return {
    url,
    channel: `listener-${randomBytes(8).toString('hex')}`,
    query,
    pid: () => server.pid,
    stop,
    start,
    restart: () => stop().then(start),
    kill9: async () => {
      process.kill(server.pid, 'SIGKILL');
      await server.stop();
    },
    pause: (pid) => {
      process.kill(pid, 'SIGSTOP');
      paused.add(pid);
    },
    resume: (pid) => {
      if (paused.delete(pid)) wake(pid);
    },
    listenBackendPid: (channel) =>
      until(`a backend that listens on ${channel}`, () => findListener(query, channel)),
  };
}

/** PostgreSQL shows no one who listens to what, but the last statement of each backend. */
async function findListener(query: Query, channel: string): Promise<number | undefined> {
  const [row] = await query(
    `SELECT pid FROM pg_stat_activity
     WHERE pid <> pg_backend_pid() AND query ILIKE 'LISTEN%' AND position($1 IN query) > 0`,
    [channel],
  );
  return typeof row?.['pid'] === 'number' ? row['pid'] : undefined;
}

function wake(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT');
  } catch {
    // It was ended while it was paused.
  }
}
