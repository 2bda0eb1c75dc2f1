import { table } from '../../tests/load/table.ts';
import { cellsOf, HEADS } from './cells.ts';
import type { BenchReport, PartReport } from './report.ts';
import { hasBar, isMet } from './row.ts';

/** All that a part has measured, for a terminal. */
export function describePart({ title, rows, remarks = [], ...part }: PartReport): string {
  const load = `load ${part.loadBefore.toFixed(1)} before, ${part.loadAfter.toFixed(1)} after`;
  return [
    `${title} (${part.seconds.toFixed(0)} s, ${load})`,
    ...table([HEADS, ...rows.map(cellsOf)]),
    ...remarks,
    '',
  ].join('\n');
}

/** What is asked, and whether it is met: the bars that are missed are named once more at the end. */
export function describeBars({ parts }: BenchReport): string {
  const rows = parts.flatMap((part) => part.rows).filter(hasBar);
  const missed = rows.filter((row) => !isMet(row));
  return [
    'The bars',
    ...table([HEADS, ...rows.map(cellsOf)]),
    '',
    `${rows.length - missed.length} of ${rows.length} met${missed.length === 0 ? '' : '; missed:'}`,
    ...missed.map(({ what }) => `  ${what}`),
  ].join('\n');
}
