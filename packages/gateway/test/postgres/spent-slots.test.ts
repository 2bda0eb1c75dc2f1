import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  AHEAD_SECONDS,
  BEHIND_SECONDS,
  slotOf,
  SLOTS,
  slotsToEmpty,
  SPAN_SECONDS,
} from '#gateway/postgres/spent-slots.js';

/** As the statement decides it, by the database's clock. */
function isTaken(expiresAt: number, now: number): boolean {
  return expiresAt > now - BEHIND_SECONDS && expiresAt <= now + AHEAD_SECONDS;
}

const time = fc.double({ min: 1_700_000_000, max: 2_500_000_000, noNaN: true });
/** From one end of what is taken to the other, the ends included. */
const offset = fc.oneof(
  fc.double({ min: -BEHIND_SECONDS, max: AHEAD_SECONDS, noNaN: true }),
  fc.constantFrom(-BEHIND_SECONDS + 0.001, 0, AHEAD_SECONDS),
);
const later = fc.oneof(
  fc.double({ min: 0, max: 3 * SLOTS * SPAN_SECONDS, noNaN: true }),
  fc.integer({ min: 0, max: 3 * SLOTS }).map((spans) => spans * SPAN_SECONDS),
);

describe('The partitions of spent tokens', () => {
  it('are never emptied while one of them holds a token that somebody could still let in', () => {
    fc.assert(
      fc.property(time, offset, later, (taken, ahead, wait) => {
        const expiresAt = taken + ahead;
        fc.pre(isTaken(expiresAt, taken));
        const now = taken + wait;
        if (slotsToEmpty(now).includes(slotOf(expiresAt)))
          assert.ok(!isTaken(expiresAt, now) && expiresAt <= now - BEHIND_SECONDS);
      }),
      { numRuns: 5_000 },
    );
  });

  it('are emptied when nothing can come in only', () => {
    fc.assert(
      fc.property(time, offset, (now, ahead) => {
        fc.pre(isTaken(now + ahead, now));
        assert.ok(!slotsToEmpty(now).includes(slotOf(now + ahead)));
      }),
      { numRuns: 5_000 },
    );
  });

  it('each come free once in every round, and for two minutes at least', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1_700_000_000, max: 2_500_000_000 }), (start) => {
        const free = new Map<number, number>();
        for (let second = 0; second < SLOTS * SPAN_SECONDS; second++)
          for (const slot of slotsToEmpty(start + second))
            free.set(slot, (free.get(slot) ?? 0) + 1);
        assert.deepEqual(
          Array.from({ length: SLOTS }, (_, slot) => (free.get(slot) ?? 0) >= 120),
          Array.from({ length: SLOTS }, () => true),
        );
      }),
      { numRuns: 20 },
    );
  });

  it('are as many as there are slots, whatever the time', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e9, max: 1e15, noNaN: true }), (expiresAt) => {
        const slot = slotOf(expiresAt);
        assert.ok(Number.isInteger(slot) && slot >= 0 && slot < SLOTS);
      }),
    );
  });
});
