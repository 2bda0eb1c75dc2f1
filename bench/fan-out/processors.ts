import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';

import { findProgram } from '../../tests/support/programs.ts';
import type { Scope } from '../../tests/support/postgres.ts';

/** The server under measurement has one core to itself; all the rest shares another. */
const CORES = { rest: '0', server: '1' } as const;

/** Nanoseconds on a processor that all threads of a process, and of its children, have had so far. */
export function cpuNanos(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) throw new Error(`Process ${pid} is gone, or this is not Linux`);
  let nanos = 0;
  for (const task of readdirSync(tasks)) {
    nanos += Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]);
    const children = readFileSync(`${tasks}/${task}/children`, 'utf8').match(/\d+/g) ?? [];
    for (const child of children) nanos += cpuNanos(Number(child));
  }
  return nanos;
}

/** Keeps this process and those that it starts from now on off the server's core, until the end of the scope. */
export async function keepOffServerCore(scope: Scope): Promise<void> {
  await pin(process.pid, CORES.rest);
  scope.after(() => pin(process.pid, `0-${availableParallelism() - 1}`));
}

/** Puts a server, all its threads, on the core that is kept for it. */
export function putOnServerCore(pid: number): Promise<void> {
  return pin(pid, CORES.server);
}

/** Without `taskset`, or a second core, the system places everything as it likes. */
async function pin(pid: number, cores: string): Promise<void> {
  const taskset = findProgram('taskset');
  if (taskset === undefined || availableParallelism() < 2) return;
  await promisify(execFile)(taskset, ['--all-tasks', '--pid', '--cpu-list', cores, String(pid)]);
}
