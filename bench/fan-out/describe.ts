import { table } from '../../tests/load/table.ts';
import type { FanOutReport, FanOutRow, Spread } from './measure.ts';

const MODES = { single: 'one at a time', burst: 'bursts of ten' } as const;

/** What deliveries cost, for people: ratios first. */
export function describeFanOut({ rows, missing }: FanOutReport): string {
  const titleOf = ({ subscribers, mode }: FanOutRow): string => `${subscribers}, ${MODES[mode]}`;
  const tables = [...new Set(rows.map(titleOf))].map((title) => {
    const lines = rows.filter((row) => titleOf(row) === title).map(lineOf);
    return table([[title, '× floor', 'least-most', 'CPU µs', 'least-most'], ...lines]).join('\n');
  });
  const remarks = missing.map((why) => `Not measured: ${why}\n`).join('');
  return `${tables.join('\n\n')}\n\n${remarks}`;
}

function lineOf({ peer, ratioToFloor, microsPerDelivery }: FanOutRow): readonly string[] {
  return [peer, ...[ratioToFloor, microsPerDelivery].flatMap(cells)];
}

function cells({ median, low, high }: Spread): readonly string[] {
  return [median.toFixed(2), `${low.toFixed(2)}-${high.toFixed(2)}`];
}
