import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { POSTERN } from '../../tests/load/measured-gateway.ts';
import { percentile } from '../../tests/support/percentile.ts';
import { freshDatabase } from '../../tests/support/postgres.ts';
import type { Scope } from '../../tests/support/postgres.ts';
import { environmentFor } from '../../tests/support/served.ts';
import { inTime } from '../../tests/support/wait.ts';
import type { Effort, Measured } from '../report/report.ts';

const STARTS = { full: 7, quick: 2 } as const satisfies Record<Effort, number>;
const PATIENCE_MS = 30_000;

/** What is looked for in the log, in the order in which it comes. */
const LISTENING = '"event":"listening"';
const READY = '"event":"ready"';

interface Start {
  readonly listeningMs: number;
  readonly readyMs: number;
}

/** Measures how long `postern serve` takes until its port is open, by turns with a program that does nothing. */
export async function measureStart(scope: Scope, effort: Effort): Promise<Measured> {
  const { url, channel } = await freshDatabase(scope);
  const environment = environmentFor({
    url,
    channel,
    environment: { POSTERN_LOG_LEVEL: 'info' },
  });
  // The first one makes the schema.
  await start(environment);

  const nothings: number[] = [];
  const starts: Start[] = [];
  while (starts.length < STARTS[effort]) {
    nothings.push(await startNothing());
    starts.push(await start(environment));
  }
  const nothing = percentile(nothings, 50);
  const row = (what: string, figure: number) =>
    ({ what, ratio: { value: figure / nothing, to: 'node' }, figure, unit: 'ms' }) as const;
  return {
    rows: [
      {
        ...row('postern serve, listening', medianOf(starts, 'listeningMs')),
        bar: { on: 'figure', limit: 'most', value: 400 },
      },
      row('postern serve, ready: LISTEN is proved', medianOf(starts, 'readyMs')),
      { what: 'node -e 0, from start to end', figure: nothing, unit: 'ms' },
    ],
  };
}

function medianOf(starts: readonly Start[], name: keyof Start): number {
  return percentile(
    starts.map((one) => one[name]),
    50,
  );
}

async function startNothing(): Promise<number> {
  const startMs = performance.now();
  await once(spawn(process.execPath, ['-e', '0'], { env: {} }), 'exit');
  return performance.now() - startMs;
}

async function start(environment: Readonly<Record<string, string>>): Promise<Start> {
  const startMs = performance.now();
  const child = spawn(process.execPath, [POSTERN, 'serve'], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let listeningMs = Number.NaN;
  let text = '';
  const isReady = new Promise<number>((resolve) => {
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const ms = performance.now() - startMs;
      if (Number.isNaN(listeningMs) && text.includes(LISTENING)) listeningMs = ms;
      if (text.includes(READY)) resolve(ms);
    });
  });
  try {
    const readyMs = await inTime('a gateway that is ready', isReady, PATIENCE_MS);
    return { listeningMs, readyMs };
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
}
