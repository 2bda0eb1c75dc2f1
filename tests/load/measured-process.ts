import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Profiler } from 'node:inspector';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

import type { Scope } from '../support/postgres.ts';
import { inTime, until } from '../support/wait.ts';

const PROBE = new URL('probe.js', import.meta.url).href;

/** A loaded machine takes its time. */
const PATIENCE_MS = 30_000;

/** A server that has done next to nothing for so long has nothing left to do. */
const IDLE_MS = 20;
const IDLE_CPU_SECONDS = 0.001;

/** What a process has and has used at one moment, garbage collected. */
export interface Sample {
  readonly rssBytes: number;
  /** What is reachable: the heap, and the buffers outside of it. */
  readonly heldBytes: number;
  /** User and system time since its start. */
  readonly cpuSeconds: number;
}

/** What a process has used up to one moment. */
export interface CpuTime {
  /** User and system time of all its threads. */
  readonly cpuSeconds: number;
  /** That of the one with the event loop; undefined where the system does not say. */
  readonly loopSeconds?: number;
}

/** A server in a process of its own that can be asked what it uses. One question at a time. */
export interface MeasuredProcess {
  readonly pid: number;
  readonly port: number;
  sample(): Promise<Sample>;
  cpu(): Promise<CpuTime>;
  /** Begins to take samples of what the thread with the event loop does. */
  startProfile(): Promise<void>;
  /** Ends that, and returns them. */
  endProfile(): Promise<Profiler.Profile>;
  /** Kills it at once, as a crash would (SIGKILL). */
  kill(): Promise<void>;
}

/**
 * Runs a program that logs `listening` with its port, and `ready`, as the gateway does, and waits for
 * both. What it logs from then on is thrown away unread: the test must not fill its own memory, nor
 * take the processor from the program.
 */
export async function startMeasuredProcess(
  scope: Scope,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = {},
): Promise<MeasuredProcess> {
  const child = spawn(process.execPath, ['--expose-gc', '--import', PROBE, ...args], {
    env: {
      PATH: process.env['PATH'],
      NODE_V8_COVERAGE: process.env['NODE_V8_COVERAGE'],
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const { stdout } = child;
  if (stdout === null) throw new Error('There is no pipe to read from');
  const exited = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  scope.after(kill);

  let port: number | undefined;
  let isReady = false;
  const lines = createInterface({ input: stdout }).on('line', (line) => {
    port ??= portIn(line);
    isReady ||= line.includes('"event":"ready"');
  });
  const letsIn = (): boolean => {
    if (child.exitCode !== null) throw new Error(`The server ended with ${child.exitCode}`);
    return isReady;
  };
  await until('a server that lets clients in', letsIn, PATIENCE_MS);
  lines.close();
  stdout.resume();

  const ask = async (question: string): Promise<string> => {
    const answer = once(child, 'message');
    child.send(question);
    const [text] = await inTime(`an answer to '${question}'`, answer, PATIENCE_MS);
    return String(text);
  };
  return {
    pid: child.pid ?? 0,
    port: port ?? 0,
    sample: async () => JSON.parse(await ask('memory')),
    cpu: async () => JSON.parse(await ask('cpu')),
    startProfile: async () => void (await ask('profile')),
    endProfile: async () => JSON.parse(await ask('profiled')),
    kill,
  };
}

/** Waits until a server has nothing left to do. */
export async function becomesIdle(server: MeasuredProcess): Promise<void> {
  const isIdle = async (): Promise<boolean> => {
    const before = await server.cpu();
    await delay(IDLE_MS);
    return (await server.cpu()).cpuSeconds - before.cpuSeconds < IDLE_CPU_SECONDS;
  };
  await until('an idle server', isIdle, PATIENCE_MS);
}

function portIn(line: string): number | undefined {
  const port = /"port":(\d+),"event":"listening"/.exec(line)?.[1];
  return port === undefined ? undefined : Number(port);
}
