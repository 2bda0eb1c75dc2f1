import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import type { Scope } from '../support/postgres.ts';
import { environmentFor } from '../support/served.ts';
import type { ServeOptions } from '../support/served.ts';
import { inTime, until } from '../support/wait.ts';

const POSTERN = join(
  dirname(fileURLToPath(import.meta.resolve('postern/package.json'))),
  'bin',
  'postern.js',
);
const PROBE = new URL('memory-probe.js', import.meta.url).href;

/** A loaded machine takes its time. */
const PATIENCE_MS = 30_000;

/** What the program has and has used at one moment, garbage collected. */
export interface Sample {
  readonly rssBytes: number;
  /** What is reachable: the heap, and the buffers outside of it. */
  readonly heldBytes: number;
  /** User and system time since its start. */
  readonly cpuSeconds: number;
}

/** `postern serve` in a process of its own whose memory and CPU time can be asked for. */
export interface MeasuredGateway {
  readonly pid: number;
  readonly port: number;
  sample(): Promise<Sample>;
  /** Kills it at once, as a crash would (SIGKILL). */
  kill(): Promise<void>;
}

/** Any limit that counts clients by their address or user would count all of them as one. */
const NO_LIMITS = {
  POSTERN_HANDSHAKES_PER_ADDRESS: '0',
  POSTERN_CONNECTIONS_PER_ADDRESS: '0',
  POSTERN_CONNECTIONS_PER_USER: '0',
} as const;

/**
 * Starts the program and waits until clients are let in. What it logs is read and forgotten: a test
 * of memory must not fill its own.
 */
export async function startMeasured(
  scope: Scope,
  { environment = {}, ...database }: ServeOptions,
): Promise<MeasuredGateway> {
  const child = spawn(process.execPath, ['--expose-gc', '--import', PROBE, POSTERN, 'serve'], {
    env: {
      PATH: process.env['PATH'],
      NODE_V8_COVERAGE: process.env['NODE_V8_COVERAGE'],
      ...environmentFor({ ...database, environment: { ...NO_LIMITS, ...environment } }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  scope.after(kill);

  let port: number | undefined;
  let isReady = false;
  createInterface({ input: child.stdout }).on('line', (line) => {
    port ??= portIn(line);
    isReady ||= line.includes('"event":"ready"');
  });
  const said = createInterface({ input: child.stderr });
  await until('a gateway that lets clients in', () => isReady, PATIENCE_MS);

  return {
    pid: child.pid ?? 0,
    port: port ?? 0,
    sample: async () => {
      const answer = once(said, 'line');
      child.kill('SIGUSR2');
      const [line] = await inTime('a sample of memory', answer, PATIENCE_MS);
      return JSON.parse(String(line));
    },
    kill,
  };
}

function portIn(line: string): number | undefined {
  const port = /"port":(\d+),"event":"listening"/.exec(line)?.[1];
  return port === undefined ? undefined : Number(port);
}
