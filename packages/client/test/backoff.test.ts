import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { waitMs } from '#client/backoff.js';

/** By this many each bound is come near to, but for once in 10^13. */
const MANY = 3_000;

const longest = (failures: number): number =>
  Math.max(...Array.from({ length: MANY }, () => waitMs(failures, {})));

describe('waitMs', () => {
  it('doubles the longest wait with each failure, up to the cap', () => {
    for (const [failures, bound] of [
      [0, 500],
      [1, 1_000],
      [2, 2_000],
      [5, 16_000],
      [6, 30_000],
      [7, 30_000],
      [100_000, 30_000],
    ] as const) {
      const ms = longest(failures);
      assert.ok(ms < bound && ms > bound * 0.99, `${failures}: ${ms}`);
    }
  });

  it('spreads over the whole wait: half of a herd comes in its first half', () => {
    const early = Array.from({ length: MANY }, () => waitMs(3, {})).filter((ms) => ms < 2_000);
    assert.ok(early.length > MANY * 0.4 && early.length < MANY * 0.6, String(early.length));
  });

  it('is a number of milliseconds within its bounds, whatever they are', () => {
    const ms = fc.integer({ min: 1, max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(fc.nat(), ms, ms, (failures, baseMs, capMs) => {
        const wait = waitMs(failures, { baseMs, capMs });
        return wait >= 0 && wait < capMs;
      }),
    );
  });
});
