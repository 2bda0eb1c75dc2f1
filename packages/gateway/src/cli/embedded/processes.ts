import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * How a server is told to end, each way firmer than the one before, and how long each may take:
 * fast shutdown, immediate shutdown (PostgreSQL itself kills what has not gone after 5 s), the axe.
 */
const STEPS = [
  { signal: 'SIGINT', patienceMs: 5_000 },
  { signal: 'SIGQUIT', patienceMs: 8_000 },
  { signal: 'SIGKILL', patienceMs: 2_000 },
] as const;

const POLL_MS = 20;

/** What tells a process from a later one that was given the same id. */
export interface ProcessTrace {
  /** Opaque; equal for the same process only. */
  readonly startedAt: string;
  /** Its arguments, joined by spaces. */
  readonly command: string;
}

/** The trace of a running process, or `undefined` when there is none (or only its zombie). */
export function traceProcess(pid: number): Promise<ProcessTrace | undefined> {
  return process.platform === 'linux' ? traceWithProc(pid) : traceWithPs(pid);
}

/** By the files of Linux, where slim images have no `ps`. */
export async function traceWithProc(pid: number): Promise<ProcessTrace | undefined> {
  try {
    const [stat, command] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
    ]);
    // The second field is a name in brackets that may hold anything, so counting starts behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, startedAt] = [fields[0], fields[19]];
    if (state === 'Z' || startedAt === undefined) return undefined;
    return { startedAt, command: command.replaceAll('\0', ' ') };
  } catch {
    return undefined; // No such process.
  }
}

/** By `ps`, as POSIX has it. */
export async function traceWithPs(pid: number): Promise<ProcessTrace | undefined> {
  const column = async (name: string): Promise<string> => {
    const { stdout } = await run('ps', ['-ww', '-o', `${name}=`, '-p', String(pid)]);
    return stdout.trim();
  };
  try {
    const [state, startedAt, command] = await Promise.all(
      ['stat', 'lstart', 'command'].map(column),
    );
    if (state === undefined || startedAt === undefined || command === undefined) return undefined;
    return state.startsWith('Z') ? undefined : { startedAt, command: `${command} ` };
  } catch {
    return undefined; // `ps` fails for an id that is not in use.
  }
}

/** Ends the server with this process id. False when nothing helped. */
export async function shutDown(pid: number, hasEnded: () => Promise<boolean>): Promise<boolean> {
  for (const { signal, patienceMs } of STEPS) {
    const deadlineMs = performance.now() + patienceMs;
    sendSignal(pid, signal);
    while (performance.now() < deadlineMs) {
      if (await hasEnded()) return true;
      await delay(POLL_MS);
    }
  }
  return false;
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended, which is what the signal is for.
  }
}
