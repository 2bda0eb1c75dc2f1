import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { BARE_SERVER } from '../../tests/load/handshakes.ts';
import { startMeasured } from '../../tests/load/measured-gateway.ts';
import { becomesIdle, startMeasuredProcess } from '../../tests/load/measured-process.ts';
import type { MeasuredProcess } from '../../tests/load/measured-process.ts';
import { freshDatabase } from '../../tests/support/postgres.ts';
import type { Scope } from '../../tests/support/postgres.ts';
import { probe } from '../../tests/support/process-probe.ts';
import { inTime } from '../../tests/support/wait.ts';
import type { Effort, Measured } from '../report/report.ts';
import type { Row } from '../report/row.ts';

/** Who comes in where, and as what. */
export interface Guests {
  readonly port: number;
  readonly kind: 'raw' | 'v1' | 'bare';
}

const SESSIONS = { full: 15_000, quick: 300 } as const satisfies Record<Effort, number>;

/**
 * In them code is compiled. Few at a time: memory that many at once had left behind would be there before,
 * and be used again without being counted.
 */
const WARM_UP = { full: 30, quick: 1 } as const satisfies Record<Effort, number>;
const WARM_UP_SESSIONS = 100;
const CLIENTS = fileURLToPath(new URL('idle-clients.js', import.meta.url));
const PATIENCE_MS = 120_000;

/** Measures what an idle authorised session keeps in memory, beside what a bare connection of `ws` does. */
export async function measureMemory(scope: Scope, effort: Effort): Promise<Measured> {
  const bare = await measureKind(scope, effort, {
    kind: 'bare',
    server: await startMeasuredProcess(scope, [BARE_SERVER]),
  });
  const raw = await measureKind(scope, effort, { kind: 'raw', server: await startGateway(scope) });
  const v1 = await measureKind(scope, effort, { kind: 'v1', server: await startGateway(scope) });
  return {
    rows: [
      ...rowsOf('session of the raw protocol', raw, bare),
      ...rowsOf('session of postern.v1', v1, bare),
      { what: 'bare ws, resident', figure: kilobytes(bare.resident), unit: 'kB' },
      { what: 'bare ws, garbage collected', figure: kilobytes(bare.collected), unit: 'kB' },
    ],
  };
}

async function startGateway(scope: Scope): Promise<MeasuredProcess> {
  const { url, channel } = await freshDatabase(scope);
  const environment = { POSTERN_CONNECTIONS: '0', POSTERN_LOG_LEVEL: 'info' };
  return startMeasured(scope, { url, channel, environment });
}

/** Bytes that one more connection takes. */
interface Held {
  /** Resident, as it stands once the server has nothing to do: what handshakes left behind is in it. */
  readonly resident: number;
  /** The same after a collection of garbage. */
  readonly collected: number;
}

async function measureKind(
  scope: Scope,
  effort: Effort,
  { kind, server }: { readonly kind: Guests['kind']; readonly server: MeasuredProcess },
): Promise<Held> {
  const tell = startClients(scope, { port: server.port, kind });
  for (let round = 0; round < WARM_UP[effort]; round++) {
    await tell(WARM_UP_SESSIONS);
    await tell(0);
    await becomesIdle(server);
  }
  // Collected: the least that can be there before, and so the most that sessions can have added.
  const { rssBytes: before } = await server.sample();

  const count = SESSIONS[effort];
  await tell(count);
  await becomesIdle(server);
  const resident = probe(server.pid).residentBytes();
  const { rssBytes: collected } = await server.sample();
  await tell(0);
  await server.kill();
  return { resident: (resident - before) / count, collected: (collected - before) / count };
}

/** Starts the clients' process. What it returns tells how many are to come in, and waits until they are. */
function startClients(scope: Scope, guests: Guests): (count: number) => Promise<void> {
  const child = fork(CLIENTS, [JSON.stringify(guests)]);
  const exited = once(child, 'exit');
  scope.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const failed = exited.then(() => {
    throw new Error('The clients were lost');
  });
  failed.catch(() => {
    // Whoever tells them something next is told. Otherwise it is the end of the scope.
  });
  return async (count) => {
    const done = once(child, 'message');
    child.send(count);
    await inTime(`${count} clients`, Promise.race([done, failed]), PATIENCE_MS);
  };
}

function rowsOf(what: string, held: Held, bare: Held): readonly Row[] {
  const row = (how: string, of: keyof Held) =>
    ({
      what: `${what}, ${how}`,
      ratio: { value: held[of] / bare[of], to: 'bare ws' },
      figure: kilobytes(held[of]),
      unit: 'kB',
    }) as const;
  return [
    { ...row('resident', 'resident'), bar: { on: 'figure', limit: 'most', value: 10 } },
    row('garbage collected', 'collected'),
  ];
}

function kilobytes(bytes: number): number {
  return bytes / 1000;
}
