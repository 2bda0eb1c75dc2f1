import { chmod, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';

import { startChild } from '../../tests/support/child.ts';
import { freePort } from '../../tests/support/nginx.ts';
import type { Scope } from '../../tests/support/postgres.ts';
import { findProgram, whyMissing } from '../../tests/support/programs.ts';
import type { Program } from '../../tests/support/programs.ts';
import { scratchFolder } from '../../tests/support/scratch-folder.ts';
import { event, until } from '../../tests/support/wait.ts';

/** Where a server is told to listen, and where it may write. */
export interface Places {
  /** For subscribers. */
  readonly port: number;
  /** For who publishes, where that is another. */
  readonly publishPort: number;
  readonly folder: string;
}

/** A server of another project: what it is told to be. */
export interface DaemonOptions {
  readonly program: Program;
  readonly configuration: (places: Places) => string;
  /** What it is started with, its file of configuration at the end. */
  readonly args: readonly string[];
}

/** A server that runs until the end of the scope. */
export interface Daemon extends Pick<Places, 'port' | 'publishPort'> {
  readonly pid: number;
}

/** Why a server cannot be started here, or `undefined`. */
export function whyLacking(program: Program): string | undefined {
  return findProgram(program) === undefined ? whyMissing(program) : undefined;
}

/** Starts one in a folder of its own, and waits until `port` is open. */
export async function startDaemon(
  scope: Scope,
  { program, configuration, args }: DaemonOptions,
): Promise<Daemon> {
  const path = findProgram(program);
  if (path === undefined) throw new Error(`Cannot start ${program}: ${whyMissing(program)}`);
  const folder = await scratchFolder(scope);
  // Some give up their rights before they read it.
  await chmod(folder, 0o755);
  const ports = { port: await freePort(), publishPort: await freePort() };
  const file = join(folder, 'configuration');
  await writeFile(file, configuration({ ...ports, folder }));

  // Killed, the master of nginx would leave its workers behind.
  const child = startChild(scope, path, [...args, file], { end: 'SIGTERM' });
  await until(`${program} on port ${ports.port}`, () => isOpen(ports.port)).catch(
    (cause: unknown) => {
      throw new Error(`${program} says: ${child.stderr}`, { cause });
    },
  );
  return { pid: child.pid, ...ports };
}

/** Writes to a server what is to be published, and reads what it says, which nobody looks at. */
export type Publish = (bytes: Buffer | string) => void;

/** Opens a connection for that. */
export async function openPublisher(scope: Scope, port: number): Promise<Publish> {
  await until(`a server on port ${port}`, () => isOpen(port));
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await event(socket, 'connect');
  scope.after(() => Promise.resolve(void socket.destroy()));
  socket.resume();
  return (bytes) => void socket.write(bytes);
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
