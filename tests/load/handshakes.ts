import { existsSync, readFileSync } from 'node:fs';
import type { Profiler } from 'node:inspector';
import { fileURLToPath } from 'node:url';

import { freshDatabase } from '../support/postgres.ts';
import type { Scope } from '../support/postgres.ts';
import { PREAUTH_ENVIRONMENT } from '../support/preauth.ts';
import { keyPair } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { callAll } from './callers.ts';
import type { Call } from './callers.ts';
import { reportOf } from './handshake-report.ts';
import type { Cost, HandshakeReport } from './handshake-report.ts';
import { variantsFor } from './handshake-variants.ts';
import type { BenchKeys, Server, Variant } from './handshake-variants.ts';
import { startMeasured } from './measured-gateway.ts';
import { becomesIdle, startMeasuredProcess } from './measured-process.ts';
import type { MeasuredProcess } from './measured-process.ts';

/** How much is measured. */
export interface HandshakeOptions {
  /** Turns of each variant that do not count: in them its code is compiled. */
  readonly warmUpRounds: number;
  /** Turns of each that do. */
  readonly rounds: number;
  /** Handshakes of one turn: all of them are open at its end. */
  readonly batch: number;
  /** Turns of each variant under the profiler, after the others; 0: none. */
  readonly profiledRounds: number;
  /** Names of variants; all by default. The yardstick must be among them. */
  readonly only?: readonly string[];
  /** Told of each round as it ends. */
  readonly onRound?: (round: number) => void;
}

/** Enough to keep the server at work, few enough for its backlog. */
const AT_A_TIME = 16;

/** A program that answers handshakes and does nothing else. */
export const BARE_SERVER = fileURLToPath(new URL('bare-server.js', import.meta.url));
const SOCKET_STATISTICS = '/proc/net/sockstat';

/**
 * Measures what handshakes cost. The variants take turns, so that whatever else the machine does hits
 * all of them alike. Rejects when any handshake is answered otherwise than it should be.
 */
export async function measureHandshakes(
  scope: Scope,
  { warmUpRounds, rounds, batch, profiledRounds, only, onRound }: HandshakeOptions,
): Promise<HandshakeReport> {
  const keys = { rsa: keyPair('RS256', 'rsa'), ec: keyPair('ES256', 'ec') };
  const variants = variantsFor(keys).filter(({ name }) => only?.includes(name) ?? true);
  const bench = { variants, servers: await startServers(scope, keys), batch };
  for (let round = 1; round <= warmUpRounds; round++) await roundOf(bench, cost, round);

  const costs: (readonly Cost[])[] = [];
  for (let round = 1; round <= rounds; round++) {
    costs.push(await roundOf(bench, cost, round));
    onRound?.(round);
  }
  const profiles: (readonly Profiler.Profile[])[] = [];
  for (let round = 1; round <= profiledRounds; round++)
    profiles.push(await roundOf(bench, profile, round));

  const names = bench.variants.map(({ name }) => name);
  return reportOf(names, costs, profiles);
}

/** What a gateway must be told to let all variants in. */
export function environmentOf({ rsa, ec }: BenchKeys) {
  return {
    ...PREAUTH_ENVIRONMENT,
    POSTERN_CONNECTIONS: '0',
    POSTERN_JWKS: JSON.stringify({ keys: [rsa.jwk, ec.jwk] }),
  };
}

type Servers = Readonly<Record<Server, MeasuredProcess>>;

async function startServers(scope: Scope, keys: BenchKeys): Promise<Servers> {
  const start = async (more: Readonly<Record<string, string>>): Promise<MeasuredProcess> => {
    const { url, channel } = await freshDatabase(scope);
    return await startMeasured(scope, {
      url,
      channel,
      environment: { ...environmentOf(keys), ...more },
    });
  };
  const [bare, gateway, singleUse] = await Promise.all([
    startMeasuredProcess(scope, [BARE_SERVER]),
    start({}),
    start({ POSTERN_SINGLE_USE: 'true' }),
  ]);
  // Tickets of the second in which the replay store was made count as used.
  const second = Math.ceil(Date.now() / 1000);
  await until('the next second', () => Date.now() / 1000 > second);
  return { bare, gateway, singleUse };
}

interface Bench {
  readonly variants: readonly Variant[];
  readonly servers: Servers;
  readonly batch: number;
}

type Measure<T> = (server: MeasuredProcess, calls: readonly Call[]) => Promise<T>;

/** One turn for each variant, every other round in reverse. Results are in the variants' own order. */
async function roundOf<T>(
  { variants, servers, batch }: Bench,
  measure: Measure<T>,
  round: number,
): Promise<readonly T[]> {
  const results: T[] = [];
  for (const variant of round % 2 === 0 ? variants : variants.toReversed()) {
    const server = servers[variant.at];
    const calls = await variant.calls(server.port, batch);
    await becomesIdle(server);
    results.push(await measure(server, calls));
    await becomesIdle(server);
  }
  return round % 2 === 0 ? results : results.toReversed();
}

/** One batch, from the first request to the last answer. Their end is not in it. */
async function cost(server: MeasuredProcess, calls: readonly Call[]): Promise<Cost> {
  const before = await server.cpu();
  const ownBefore = process.cpuUsage();
  const startMs = performance.now();
  const { answers, hangUp } = await callAll(server.port, calls, AT_A_TIME);
  const seconds = (performance.now() - startMs) / 1000;
  const own = process.cpuUsage(ownBefore);
  const after = await server.cpu();
  await hangUp();
  return {
    count: answers.length,
    seconds,
    cpuSeconds: after.cpuSeconds - before.cpuSeconds,
    loopSeconds: (after.loopSeconds ?? Number.NaN) - (before.loopSeconds ?? Number.NaN),
    clientSeconds: (own.user + own.system) / 1e6,
    timeWait: timeWait(),
  };
}

async function profile(server: MeasuredProcess, calls: readonly Call[]): Promise<Profiler.Profile> {
  await server.startProfile();
  const { hangUp } = await callAll(server.port, calls, AT_A_TIME);
  const profiled = await server.endProfile();
  await hangUp();
  return profiled;
}

/** Ports that wait for their minute to pass. Linux only. */
function timeWait(): number | undefined {
  if (!existsSync(SOCKET_STATISTICS)) return undefined;
  return Number(/^TCP: .* tw (\d+)/m.exec(readFileSync(SOCKET_STATISTICS, 'utf8'))?.[1]);
}
