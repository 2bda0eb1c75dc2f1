import type { Account } from './account.ts';
import { nameOf } from './account.ts';

/** A gap that was told. */
export interface Gap {
  /** Where it stands in the account. */
  readonly position: number;
  readonly atMs: number;
}

/** What came, and what of it should not have come, by names of messages. */
export interface Arrivals {
  /** Where in the account each message stands, the first time. */
  readonly positions: ReadonlyMap<string, number>;
  /** Of each channel, in order. */
  readonly gaps: ReadonlyMap<string, readonly Gap[]>;
  readonly doubled: readonly string[];
  readonly disordered: readonly string[];
  readonly foreign: readonly string[];
}

/** Reads an account. `committed` has the names of all that may come. */
export function readAccount({ seen }: Account, committed: ReadonlySet<string>): Arrivals {
  const positions = new Map<string, number>();
  const gaps = new Map<string, Gap[]>();
  /** The greatest number so far, by publisher and channel. */
  const greatest = new Map<string, number>();
  const [doubled, disordered, foreign]: readonly [string[], string[], string[]] = [[], [], []];

  for (const [position, sight] of seen.entries()) {
    if (sight.type === 'gap') {
      const known = gaps.get(sight.channel) ?? [];
      known.push({ position, atMs: sight.atMs });
      gaps.set(sight.channel, known);
      continue;
    }
    const name = nameOf(sight);
    const stream = `${sight.channel}/${sight.publisher}`;
    const newest = greatest.get(stream) ?? -1;
    greatest.set(stream, Math.max(newest, sight.number));
    if (!committed.has(name)) foreign.push(name);
    else if (positions.has(name)) doubled.push(name);
    else {
      if (sight.number < newest) disordered.push(name);
      positions.set(name, position);
    }
  }
  return { positions, gaps, doubled, disordered, foreign };
}
