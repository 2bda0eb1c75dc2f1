/** One measurement: when, and what. */
export type Point = readonly [x: number, y: number];

/** A straight line through points, and how far its slope may be off. */
export interface Slope {
  readonly perUnit: number;
  /** Standard error of `perUnit`; 0 for points that lie on the line, `Infinity` for fewer than three. */
  readonly error: number;
}

/** The line that fits best (least squares). Fewer than two points, or all at one x, have a slope of 0. */
export function slopeOf(points: readonly Point[]): Slope {
  const count = points.length;
  const meanX = sum(points.map(([x]) => x)) / count;
  const meanY = sum(points.map(([, y]) => y)) / count;
  const spread = sum(points.map(([x]) => (x - meanX) ** 2));
  if (count < 2 || spread === 0) return { perUnit: 0, error: Infinity };

  const perUnit = sum(points.map(([x, y]) => (x - meanX) * (y - meanY))) / spread;
  const residual = sum(points.map(([x, y]) => (y - meanY - perUnit * (x - meanX)) ** 2));
  const error = count < 3 ? Infinity : Math.sqrt(residual / (count - 2) / spread);
  return { perUnit, error };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
