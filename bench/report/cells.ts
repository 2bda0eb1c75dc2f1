import { hasBar, isMet } from './row.ts';
import type { Bar, Row, Unit } from './row.ts';

/** The heads of the columns of {@link cellsOf}. */
export const HEADS = ['', 'ratio', 'figure', 'bar', ''] as const;

/** A row for people: the ratio first, for it says the same on other machines. */
export function cellsOf(row: Row): readonly string[] {
  const { what, ratio, figure, unit } = row;
  return [
    what,
    ratio === undefined ? '' : `${factor(ratio.value)} × ${ratio.to}`,
    quantity(figure, unit),
    row.bar === undefined ? '' : barCell(row.bar, unit),
    hasBar(row) ? verdict(isMet(row)) : '',
  ];
}

/** A figure with its unit. */
export function quantity(figure: number, unit: Unit): string {
  return unit === '/s' ? `${decimal(figure)}/s` : `${decimal(figure)} ${unit}`;
}

function barCell({ on, limit, value }: Bar, unit: Unit): string {
  const sign = limit === 'most' ? '≤' : '≥';
  return `${sign} ${on === 'ratio' ? `${factor(value)} ×` : quantity(value, unit)}`;
}

function verdict(met: boolean): string {
  return met ? 'met' : 'MISSED';
}

function factor(value: number): string {
  return value.toFixed(value < 1 ? 3 : 2);
}

/** Three digits at the least: more of them would be chance. Whole numbers stay as they are. */
function decimal(value: number): string {
  const beyond = [100, 10].filter((least) => value < least).length;
  const digits = Number.isInteger(value) ? 0 : beyond;
  return value.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}
