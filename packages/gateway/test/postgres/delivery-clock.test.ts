import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DeliveryClock } from '#gateway/postgres/delivery-clock.js';

/** A time of the clock as a whole number of microseconds, without the rounding of a double. */
function micros(time: string): bigint {
  return BigInt(time.replace('.', ''));
}

describe('DeliveryClock', () => {
  it('writes UNIX seconds as a plain decimal with six fraction digits', () => {
    assert.equal(new DeliveryClock(() => 1_795_309_153_722.135).next(), '1795309153.722135');
    assert.equal(new DeliveryClock(() => 1_795_309_153_000).next(), '1795309153.000000');
    assert.equal(new DeliveryClock(() => 0.002).next(), '0.000002');
  });

  it('moves on by a microsecond while the wall clock stands still', () => {
    const clock = new DeliveryClock(() => 1_795_309_153_999.999);
    assert.deepEqual(
      [clock.next(), clock.next(), clock.next()],
      ['1795309153.999999', '1795309154.000000', '1795309154.000001'],
    );
  });

  it('never repeats a time when the wall clock is set back an hour', () => {
    let nowMs = 1_795_309_153_722;
    const clock = new DeliveryClock(() => nowMs);
    const before = clock.next();
    nowMs -= 3_600_000;
    assert.equal(micros(clock.next()), micros(before) + 1n);
  });

  it('follows the wall clock again as soon as that is ahead', () => {
    let nowMs = 5_000;
    const clock = new DeliveryClock(() => nowMs);
    clock.next();
    clock.next();
    nowMs = 6_000;
    assert.equal(clock.next(), '6.000000');
  });

  it('increases strictly whatever the wall clock does, also as the double that readers parse', () => {
    const wallMs = fc.double({ min: 1.7e12, max: 2.5e12, noNaN: true });
    fc.assert(
      fc.property(fc.array(wallMs, { minLength: 2 }), (readings) => {
        const left = [...readings];
        const clock = new DeliveryClock(() => left.shift() ?? 0);
        const times = readings.map(() => clock.next());

        for (const [index, time] of times.entries()) {
          assert.match(time, /^\d+\.\d{6}$/);
          const before = times[index - 1];
          if (before === undefined) continue;
          assert.ok(micros(time) > micros(before), `${before} then ${time}`);
          assert.ok(Number(time) > Number(before), `${before} then ${time}`);
        }
      }),
    );
  });
});
