/** How the waits between attempts grow. */
export interface Backoff {
  /** The longest first wait, in milliseconds. Default 500. */
  readonly baseMs: number;
  /** The longest wait of all, in milliseconds. Default 30,000. */
  readonly capMs: number;
}

/** Full jitter: spreads a herd of clients over the whole wait, not around its end. `failures` counts from 0. */
export function waitMs(
  failures: number,
  { baseMs = 500, capMs = 30_000 }: Partial<Backoff>,
): number {
  return Math.random() * Math.min(capMs, baseMs * Math.pow(2, Math.min(failures, 20)));
}
