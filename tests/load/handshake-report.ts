import type { Profiler } from 'node:inspector';

import { percentile } from '../support/percentile.ts';
import { sharesOf } from './profile-shares.ts';
import type { Step } from './profile-shares.ts';
import { table } from './table.ts';

/** What one batch of handshakes took. */
export interface Cost {
  /** Answers that were right: all. */
  readonly count: number;
  readonly seconds: number;
  /** Of the server, all its threads. */
  readonly cpuSeconds: number;
  /** Of its thread with the event loop; NaN where nobody says. */
  readonly loopSeconds: number;
  readonly clientSeconds: number;
  /** Ports that wait for their minute to pass; undefined where nobody says. */
  readonly timeWait: number | undefined;
}

/** What one variant came to: medians over its batches, for each handshake. */
export interface HandshakeRow {
  readonly name: string;
  /** All that were measured. */
  readonly handshakes: number;
  readonly perSecond: number;
  readonly cpuMicros: number;
  readonly leastCpuMicros: number;
  readonly mostCpuMicros: number;
  readonly loopMicros: number;
  readonly clientMicros: number;
  /** CPU time by that of {@link YARDSTICK} in the same round. */
  readonly ratio: number;
  /** How much of the time the loop of the server, and the clients, were at work: 1 is all of it. */
  readonly serverBusy: number;
  readonly clientsBusy: number;
  /** What the loop's thread did; empty without a profile. */
  readonly shares: Readonly<Partial<Record<Step, number>>>;
}

/** What it all came to. */
export interface HandshakeReport {
  readonly rows: readonly HandshakeRow[];
  readonly mostTimeWait: number | undefined;
}

/** What the others are held against. */
const YARDSTICK = 'bearer header, HS256';

/** Puts the rounds together. Each has one entry for each of the names, in their order. */
export function reportOf(
  names: readonly string[],
  costs: readonly (readonly Cost[])[],
  profiles: readonly (readonly Profiler.Profile[])[],
): HandshakeReport {
  const ofVariant = <T>(rounds: readonly (readonly T[])[], index: number): readonly T[] =>
    rounds.flatMap((round) => round.slice(index, index + 1));
  const yardstick = ofVariant(costs, names.indexOf(YARDSTICK));
  const waits = costs.flat().flatMap(({ timeWait }) => timeWait ?? []);
  return {
    rows: names.map((name, index) => ({
      name,
      ...medians(ofVariant(costs, index), yardstick),
      shares: Object.fromEntries(sharesOf(ofVariant(profiles, index))),
    })),
    mostTimeWait: waits.length === 0 ? undefined : Math.max(...waits),
  };
}

function medians(
  costs: readonly Cost[],
  yardstick: readonly Cost[],
): Omit<HandshakeRow, 'name' | 'shares'> {
  const median = (of: (cost: Cost, index: number) => number): number =>
    percentile(costs.map(of), 50);
  const cpu = costs.map(({ cpuSeconds, count }) => (cpuSeconds / count) * 1e6);
  return {
    handshakes: costs.reduce((sum, { count }) => sum + count, 0),
    perSecond: median(({ count, seconds }) => count / seconds),
    cpuMicros: percentile(cpu, 50),
    leastCpuMicros: Math.min(...cpu),
    mostCpuMicros: Math.max(...cpu),
    loopMicros: median(({ loopSeconds, count }) => (loopSeconds / count) * 1e6),
    clientMicros: median(({ clientSeconds, count }) => (clientSeconds / count) * 1e6),
    ratio: median(({ cpuSeconds }, index) => cpuSeconds / (yardstick[index]?.cpuSeconds ?? NaN)),
    serverBusy: median(({ loopSeconds, seconds }) => loopSeconds / seconds),
    clientsBusy: median(({ clientSeconds, seconds }) => clientSeconds / seconds),
  };
}

/** The report as tables, for people. */
export function describeHandshakes({ rows, mostTimeWait }: HandshakeReport): string {
  return [
    ...table([
      ['', 'CPU µs', 'least-most', 'ratio', 'loop µs', '1/s', 'loop busy', 'client µs', 'busy'],
      ...rows.map((row) => [
        row.name,
        row.cpuMicros.toFixed(0),
        `${row.leastCpuMicros.toFixed(0)}-${row.mostCpuMicros.toFixed(0)}`,
        row.ratio.toFixed(2),
        row.loopMicros.toFixed(0),
        row.perSecond.toFixed(0),
        percent(row.serverBusy),
        row.clientMicros.toFixed(0),
        percent(row.clientsBusy),
      ]),
    ]),
    '',
    `Ports in TIME_WAIT: ${mostTimeWait ?? 'unknown'} at the most`,
    ...describeShares(rows.filter(({ shares }) => Object.keys(shares).length > 0)),
  ].join('\n');
}

/** The profile, as microseconds of CPU time. */
function describeShares(rows: readonly HandshakeRow[]): readonly string[] {
  return rows.flatMap(({ name, shares, cpuMicros, loopMicros }) => [
    '',
    `${name}: ${cpuMicros.toFixed(0)} µs`,
    ...table([
      ...Object.entries(shares).map(([step, share]) => [
        step,
        (share * loopMicros).toFixed(0),
        percent(share),
      ]),
      [
        'other threads: crypto, garbage, compiler',
        Math.max(0, cpuMicros - loopMicros).toFixed(0),
        '',
      ],
    ]),
  ]);
}

function percent(part: number): string {
  return `${(part * 100).toFixed(0)} %`;
}
