/** Numbers that are drawn; the same again for the same seed. */
export interface Random {
  /** At least 0, less than 1. */
  next(): number;
  /** A whole number of these, both included. */
  between(least: number, most: number): number;
  /** One of them. Throws where there is none. */
  pick<T>(choices: readonly T[]): T;
}

/** Begins a sequence: mulberry32, which is short, and good enough to choose by. */
export function random(seed: number): Random {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (least: number, most: number): number =>
    least + Math.floor(next() * (most - least + 1));
  return {
    next,
    between,
    pick: (choices) => {
      const [chosen] = choices.slice(between(0, choices.length - 1));
      if (chosen === undefined) throw new RangeError('There is nothing to choose from');
      return chosen;
    },
  };
}
