import type { DeadlineReport, Spread } from './deadline-cost.ts';
import type { ExpiryRow, Lag } from './expiry-load.ts';
import type { StormPart } from './refresh-storm.ts';
import { table } from './table.ts';

/** What deliveries cost with the comparison and without, for people. */
export function describeDeadline(report: DeadlineReport): string {
  const { ratio, controlRatio, withMicros, withoutMicros, comparisonNanos, deliveries } = report;
  const row = (
    name: string,
    { median, error, low, high }: Spread,
    digits: number,
  ): readonly string[] => [
    name,
    ...[median, error, low, high].map((value) => value.toFixed(digits)),
  ];
  return [
    ...table([
      [`${deliveries} deliveries`, 'median', 'error', 'a tenth below', 'a tenth above'],
      row('deliveries by CPU, with / without', ratio, 3),
      row('the same between equals', controlRatio, 3),
      row('CPU µs each, with', withMicros, 2),
      row('CPU µs each, without', withoutMicros, 2),
    ]),
    `The comparison alone: ${comparisonNanos.toFixed(0)} ns`,
  ].join('\n');
}

/** How sessions waited and ended, for people. */
export function describeExpiry(rows: readonly ExpiryRow[]): string {
  return table([
    [
      'ends',
      'count',
      'bytes',
      'waiting p99',
      'longest',
      'CPU',
      'ending p99',
      'longest',
      'CPU',
      'all ended',
      'late frames',
    ],
    ...rows.map((row) => [
      row.name,
      String(row.count),
      row.bytesEach.toFixed(0),
      ...[row.waiting, row.ending].flatMap(lagCells),
      row.spreadSeconds === 1 ? milliseconds(row.lastEndMs) : '',
      row.delivered === 0 ? '' : String(row.late),
    ]),
  ]).join('\n');
}

function lagCells({ p99Ms, longestMs, longestCpuMs }: Lag): readonly string[] {
  return [p99Ms, longestMs, longestCpuMs].map(milliseconds);
}

/** What refreshes cost, and what others noticed, for people. */
export function describeStorms(parts: readonly StormPart[]): string {
  return table([
    ['', 'seconds', 'refreshes', 'CPU µs each', 'gateway busy', 'median', 'p99', 'longest'],
    ...parts.map((part) => [
      part.name,
      part.seconds.toFixed(0),
      String(part.refreshes),
      part.cpuMicrosEach?.toFixed(0) ?? '',
      `${(part.busy * 100).toFixed(0)} %`,
      ...[part.medianMs, part.p99Ms, part.longestMs].map(milliseconds),
    ]),
  ]).join('\n');
}

function milliseconds(value: number): string {
  return `${value.toFixed(1)} ms`;
}
