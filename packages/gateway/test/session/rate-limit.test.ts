import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RateLimit } from '#gateway/session/rate-limit.js';

/** How many of so many are let through at one moment. */
function taken(limit: RateLimit, count: number, nowMs: number): number {
  return Array.from({ length: count }, () => limit.take(nowMs)).filter(Boolean).length;
}

describe('RateLimit', () => {
  it('lets a burst through, then as much as is added', () => {
    const limit = new RateLimit({ perSecond: 50, burst: 100 }, 1_000);
    assert.equal(taken(limit, 200, 1_000), 100);
    assert.equal(taken(limit, 200, 1_019), 0);
    assert.equal(taken(limit, 200, 1_020), 1);
    assert.equal(taken(limit, 200, 2_020), 50);
  });

  it('holds no more than a burst, however long nothing came', () => {
    const limit = new RateLimit({ perSecond: 50, burst: 3 }, 0);
    assert.equal(taken(limit, 10, 1e9), 3);
  });

  it('lets everything through when there is no limit', () => {
    const limit = new RateLimit({ perSecond: 0, burst: 1 }, 0);
    assert.equal(taken(limit, 10_000, 0), 10_000);
  });

  it('loses no fraction of a permit to those who ask often', () => {
    const limit = new RateLimit({ perSecond: 1, burst: 1 }, 0);
    assert.equal(limit.take(0), true);
    for (let ms = 1; ms < 1_000; ms++) assert.equal(limit.take(ms), false);
    assert.equal(limit.take(1_001), true);
  });

  it('never lets more through than burst and rate allow together', () => {
    const steps = fc.array(fc.record({ waitMs: fc.nat(500), asked: fc.nat(20) }), {
      maxLength: 50,
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(30), steps, (perSecond, extra, all) => {
        const burst = extra + 1;
        const limit = new RateLimit({ perSecond, burst }, 0);
        let nowMs = 0;
        let through = 0;
        for (const { waitMs, asked } of all) {
          nowMs += waitMs;
          through += taken(limit, asked, nowMs);
        }
        assert.ok(through <= burst + (nowMs / 1000) * perSecond + 1e-6);
      }),
    );
  });
});
