import { setTimeout as delay } from 'node:timers/promises';

import { freshDatabase } from '../support/postgres.ts';
import type { Scope } from '../support/postgres.ts';
import { Churn } from './churn.ts';
import type { ChurnOptions } from './churn.ts';
import { startMeasured } from './measured-gateway.ts';
import type { Sample } from './measured-process.ts';
import { slopeOf } from './slope.ts';
import type { Slope } from './slope.ts';

/** How long a soak goes on, and under what. */
export interface SoakOptions extends Omit<ChurnOptions, 'port'> {
  /** Seconds that are measured, after those in which everything warms up. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly sampleSeconds: number;
  /** Told of each sample as it is taken. */
  readonly onSample?: (atSeconds: number, sample: Sample) => void;
}

/** What a soak came to. */
export interface SoakReport {
  readonly samples: number;
  readonly sessions: number;
  readonly messages: number;
  /** Of what is reachable after a collection of garbage, in bytes a second. */
  readonly held: Slope;
  /** Of the resident set, in bytes a second. */
  readonly resident: Slope;
  readonly first: Sample;
  readonly last: Sample;
  /** The slope of what is held as bytes that each session left behind. */
  readonly bytesPerSession: number;
  /** Its standard error. */
  readonly bytesPerSessionError: number;
  /** By how clients ended: a close code, an HTTP status or an error's code. */
  readonly endings: Readonly<Record<string, number>>;
  /** Those endings that nobody asked for. */
  readonly unexpected: Readonly<Record<string, number>>;
}

/** Ours, by close frame or broken connection; an expired token; a token that is refused. */
const EXPECTED: ReadonlySet<string> = new Set(['1000', '1005', '1006', '3001', 'HTTP 400']);

/** Runs a gateway under churn and measures what it holds on to. */
export async function soak(scope: Scope, options: SoakOptions): Promise<SoakReport> {
  const { url, channel } = await freshDatabase(scope);
  const gateway = await startMeasured(scope, { url, channel });
  const churn = new Churn({ ...options, port: gateway.port });
  scope.after(() => churn.stop());
  await churn.start();
  await delay(options.warmUpSeconds * 1000);

  const { opened } = churn.counts;
  const startMs = performance.now();
  const samples: (readonly [number, Sample])[] = [];
  for (let due = 0; due <= options.seconds; due += options.sampleSeconds) {
    await delay(Math.max(0, due * 1000 - (performance.now() - startMs)));
    const sample = await gateway.sample();
    const atSeconds = (performance.now() - startMs) / 1000;
    samples.push([atSeconds, sample]);
    options.onSample?.(atSeconds, sample);
  }
  const seconds = (performance.now() - startMs) / 1000;
  const sessions = churn.counts.opened - opened;
  await churn.stop();

  return report(samples, sessions / seconds, {
    sessions,
    messages: churn.counts.sent,
    endings: Object.fromEntries(churn.counts.endings),
  });
}

function report(
  samples: readonly (readonly [number, Sample])[],
  sessionsPerSecond: number,
  counts: Pick<SoakReport, 'sessions' | 'messages' | 'endings'>,
): SoakReport {
  const [first, last] = [samples.at(0)?.[1], samples.at(-1)?.[1]];
  if (first === undefined || last === undefined) throw new Error('Nothing was measured');

  const held = slopeOf(samples.map(([x, { heldBytes }]) => [x, heldBytes]));
  const resident = slopeOf(samples.map(([x, { rssBytes }]) => [x, rssBytes]));
  return {
    ...counts,
    samples: samples.length,
    held,
    resident,
    first,
    last,
    bytesPerSession: held.perUnit / sessionsPerSecond,
    bytesPerSessionError: held.error / sessionsPerSecond,
    unexpected: Object.fromEntries(
      Object.entries(counts.endings).filter(([ending]) => !EXPECTED.has(ending)),
    ),
  };
}

/** Whether sessions leave more than `bytes` behind, beyond what chance explains (two standard errors). */
export function leaks(
  { bytesPerSession, bytesPerSessionError }: SoakReport,
  bytes: number,
): boolean {
  return bytesPerSession - 2 * bytesPerSessionError > bytes;
}

/** A few lines for people. */
export function describeSoak(report: SoakReport): string {
  const perMinute = ({ perUnit, error }: Slope): string =>
    `${kilo(perUnit * 60)} ± ${kilo(error * 60)} kB a minute`;
  const mebi = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  const { first, last } = report;
  return [
    `${report.sessions} sessions came and went, ${report.messages} messages were sent`,
    `held:     ${mebi(first.heldBytes)} MiB → ${mebi(last.heldBytes)} MiB, slope ${perMinute(report.held)}`,
    `resident: ${mebi(first.rssBytes)} MiB → ${mebi(last.rssBytes)} MiB, slope ${perMinute(report.resident)}`,
    `that is ${report.bytesPerSession.toFixed(0)} ± ${report.bytesPerSessionError.toFixed(0)} bytes for each session that came and went`,
    `CPU: ${(last.cpuSeconds - first.cpuSeconds).toFixed(1)} s over ${report.samples} samples`,
    `endings: ${JSON.stringify(report.endings)}`,
  ].join('\n');
}

function kilo(bytes: number): string {
  return (bytes / 1000).toFixed(1);
}
