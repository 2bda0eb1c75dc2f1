import { cellsOf, quantity } from './cells.ts';
import type { BenchReport, Chart } from './report.ts';
import { hasBar, isMet, shareOfBar } from './row.ts';
import type { BarredRow } from './row.ts';
import { drawPanels } from './svg.ts';
import type { Line, Panel } from './svg.ts';

/** Where bars end that are missed by more: their figures stand beside them. */
const MOST_SHARE = 2;

/** The plots of a report, as SVG by the names of their files: how far it is from the bars, and what parts have to show. */
export function plotsOf({ parts }: BenchReport): Readonly<Record<string, string>> {
  const rows = parts.flatMap((part) => part.rows).filter(hasBar);
  const bars: Panel = {
    title: 'How much of each bar is used up',
    lines: rows.map(lineOfBar),
    mark: { at: 1 / MOST_SHARE, label: 'the bar' },
  };
  const ofParts = parts.flatMap(({ name, charts = [] }) =>
    charts.length === 0 ? [] : [[plotName(name), drawPanels(charts.map(panelOf))] as const],
  );
  return { [plotName('bars')]: drawPanels([bars]), ...Object.fromEntries(ofParts) };
}

/** The file of a part's plot. */
export function plotName(part: string): string {
  return `performance-${part}.svg`;
}

function lineOfBar(row: BarredRow): Line {
  const [label = '', ratio = '', figure = '', bar = ''] = cellsOf(row);
  return {
    label,
    length: shareOfBar(row) / MOST_SHARE,
    note: `${row.bar.on === 'ratio' ? ratio : figure}, ${bar}`,
    tone: isMet(row) ? 'own' : 'missed',
  };
}

function panelOf({ title, unit, lines }: Chart): Panel {
  const greatest = Math.max(...lines.map(({ figure }) => figure));
  return {
    title,
    lines: lines.map(({ label, figure, isOwn }) => ({
      label,
      length: figure / greatest,
      note: quantity(figure, unit),
      tone: isOwn ? 'own' : 'other',
    })),
  };
}
