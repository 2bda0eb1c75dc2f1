import { cellsOf, HEADS } from './cells.ts';
import { plotName } from './plots.ts';
import type { BenchReport, PartReport } from './report.ts';
import { describeRun } from './run.ts';
import { hasBar, isMet } from './row.ts';
import type { Row } from './row.ts';

/** A report for docs/performance.md: what is asked, then all that was measured. */
export function reportMarkdown(report: BenchReport): string {
  const rows = report.parts.flatMap((part) => part.rows).filter(hasBar);
  const met = rows.filter(isMet).length;
  return [
    `${describeRun(report)} ${met} of ${rows.length} bars are met:`,
    `![How much of each bar is used up](${plotName('bars')})`,
    tableOf(rows),
    'All that was measured:',
    ...report.parts.map(partMarkdown),
  ].join('\n\n');
}

function partMarkdown({
  name,
  title,
  rows,
  remarks = [],
  charts = [],
  ...part
}: PartReport): string {
  const load = `load ${part.loadBefore.toFixed(1)} before, ${part.loadAfter.toFixed(1)} after`;
  const plot = charts.length === 0 ? [] : [`![${title}](${plotName(name)})`];
  return [`**${title}** (${load})`, ...plot, tableOf(rows), ...remarks].join('\n\n');
}

function tableOf(rows: readonly Row[]): string {
  const lines = [HEADS, ['---', '--:', '--:', '--:', '---'], ...rows.map(cellsOf)];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
