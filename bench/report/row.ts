/** Units of figures. */
export type Unit = 'µs' | 'ms' | 'bytes' | 'kB' | '/s';

/** One figure of the bench, what it is held against, and what is asked of it. */
export interface Row {
  readonly what: string;
  /** By the same figure of `to`, in the same run; none where there is nothing to compare with. */
  readonly ratio?: { readonly value: number; readonly to: string };
  readonly figure: number;
  readonly unit: Unit;
  /** None for what is only there to be compared with. */
  readonly bar?: Bar;
}

/** What performance is asked for: of the ratio, where a machine's speed must not count. */
export interface Bar {
  readonly on: 'ratio' | 'figure';
  readonly limit: 'most' | 'least';
  readonly value: number;
}

/** A row that has a bar. */
export type BarredRow = Row & { readonly bar: Bar };

export function hasBar(row: Row): row is BarredRow {
  return row.bar !== undefined;
}

/** Whether the bar is met. What could not be measured meets none. */
export function isMet(row: BarredRow): boolean {
  const { limit, value } = row.bar;
  const measured = barredValue(row);
  return limit === 'most' ? measured <= value : measured >= value;
}

/** How much of what the bar allows is used up: 1 is at the bar, more is beyond it. */
export function shareOfBar(row: BarredRow): number {
  const { limit, value } = row.bar;
  const measured = barredValue(row);
  return limit === 'most' ? measured / value : value / measured;
}

function barredValue({ bar, ratio, figure }: BarredRow): number {
  return bar.on === 'ratio' ? (ratio?.value ?? Number.NaN) : figure;
}
