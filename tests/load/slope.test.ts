import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { slopeOf } from './slope.ts';

describe('slopeOf', () => {
  it('finds the slope of points on a line, without an error', () => {
    const { perUnit, error } = slopeOf([
      [0, 1],
      [1, 3],
      [2, 5],
      [5, 11],
    ]);
    assert.ok(Math.abs(perUnit - 2) < 1e-12);
    assert.ok(error < 1e-12);
  });

  it('tells by the error that scattered points have no clear slope', () => {
    const { perUnit, error } = slopeOf([
      [0, 0],
      [1, 10],
      [2, -10],
      [3, 10],
      [4, 0],
    ]);
    assert.ok(Math.abs(perUnit) < error);
  });

  it('knows nothing of one moment, or of none', () => {
    assert.deepEqual(slopeOf([]), { perUnit: 0, error: Infinity });
    assert.deepEqual(
      slopeOf([
        [1, 1],
        [1, 2],
      ]),
      { perUnit: 0, error: Infinity },
    );
    assert.equal(
      slopeOf([
        [0, 0],
        [1, 1],
      ]).error,
      Infinity,
    );
  });
});
