import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { promisify } from 'node:util';

import { findProgram } from '../../tests/support/programs.ts';
import type { Scope } from '../../tests/support/postgres.ts';

/** The server under measurement has one core to itself; all the rest shares another. */
const CORES = { rest: '0', server: '1' } as const;

/** Nanoseconds on a processor that all threads of a process, and of its children, have had so far. */
export function cpuNanos(pid: number): number {
  let nanos = 0;
  for (const thread of threadsOf(pid))
    nanos += Number(readFileSync(`${thread}/schedstat`, 'utf8').split(' ')[0]);
  for (const child of childrenOf(pid)) nanos += cpuNanos(child);
  return nanos;
}

/** Keeps this process and those that it starts from now on off the server's core, until the end of the scope. */
export async function keepOffServerCore(scope: Scope): Promise<void> {
  await pin(process.pid, CORES.rest);
  scope.after(() => pin(process.pid, `0-${cpus().length - 1}`));
}

/** Puts a server, all its threads and children, on the core that is kept for it. */
export async function putOnServerCore(pid: number): Promise<void> {
  await pin(pid, CORES.server);
  for (const child of childrenOf(pid)) await putOnServerCore(child);
}

/** Without `taskset`, or a second core, the system places everything as it likes. */
async function pin(pid: number, cores: string): Promise<void> {
  const taskset = findProgram('taskset');
  if (taskset === undefined || cpus().length < 2) return;
  await promisify(execFile)(taskset, ['--all-tasks', '--pid', '--cpu-list', cores, String(pid)]);
}

function childrenOf(pid: number): readonly number[] {
  const lists = threadsOf(pid).map((thread) => readFileSync(`${thread}/children`, 'utf8'));
  return lists.flatMap((list) => list.match(/\d+/g) ?? []).map(Number);
}

/** Their folders. */
function threadsOf(pid: number): readonly string[] {
  const folder = `/proc/${pid}/task`;
  if (!existsSync(folder)) throw new Error(`Process ${pid} is gone, or this is not Linux`);
  return readdirSync(folder).map((thread) => `${folder}/${thread}`);
}
