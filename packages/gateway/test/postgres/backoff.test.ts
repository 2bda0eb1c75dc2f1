import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { backoffMs, pause } from '#gateway/postgres/backoff.js';

describe('backoffMs', () => {
  it('doubles from half a second up to five, and takes away at most a half', () => {
    const longest = [500, 1_000, 2_000, 4_000, 5_000, 5_000];
    for (const [index, wholeMs] of longest.entries()) {
      for (let draw = 0; draw < 100; draw++) {
        const waitMs = backoffMs(index + 1);
        assert.ok(waitMs <= wholeMs && waitMs >= wholeMs / 2, `${waitMs} of ${wholeMs}`);
      }
    }
  });

  it('never exceeds five seconds, however long an outage lasts', () => {
    fc.assert(
      fc.property(fc.integer({ min: 5, max: Number.MAX_SAFE_INTEGER }), (failures) => {
        const waitMs = backoffMs(failures);
        assert.ok(waitMs >= 2_500 && waitMs <= 5_000, `${waitMs}`);
      }),
    );
  });

  it('does not make many gateways return at once', () => {
    const waits = Array.from({ length: 50 }, () => backoffMs(4));
    assert.ok(new Set(waits).size > 25);
  });
});

describe('pause', () => {
  it('ends at once when the signal aborts, without an error', async () => {
    const stopping = new AbortController();
    const paused = pause(3_600_000, stopping.signal);
    stopping.abort();
    await paused;
    await pause(3_600_000, stopping.signal);
  });

  it('ends by itself', async () => {
    await pause(1, new AbortController().signal);
  });
});
