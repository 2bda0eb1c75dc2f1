import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deadlineAt } from '#gateway/session/deadline.js';
import { ExpiryWheel } from '#gateway/session/expiry.js';
import { TurnedClock } from './turned-clock.js';

const HOUR = 3_600_000;

function setUp() {
  const clock = new TurnedClock();
  const wheel = new ExpiryWheel(clock);
  const ended: string[] = [];
  const add = (name: string, afterMs: number) => {
    const mortal = {
      deadline: deadlineAt(clock.wallMs() + afterMs, clock),
      expire: () => void ended.push(name),
    };
    wheel.add(mortal);
    return mortal;
  };
  return { clock, wheel, ended, add };
}

describe('ExpiryWheel', () => {
  it('ends whoever is due, once, and nobody else', () => {
    const { clock, wheel, ended, add } = setUp();
    add('soon', 1_000);
    add('later', 3_000);

    clock.pass(1_000);
    wheel.tick();
    wheel.tick();
    assert.deepEqual(ended, ['soon']);
    clock.pass(2_000);
    wheel.tick();
    assert.deepEqual(ended, ['soon', 'later']);
  });

  it('ends a deadline between two seconds at the tick that follows it', () => {
    const { clock, wheel, ended, add } = setUp();
    add('half past', 1_500);
    clock.pass(1_000);
    wheel.tick();
    assert.deepEqual(ended, []);
    clock.pass(1_000);
    wheel.tick();
    assert.deepEqual(ended, ['half past']);
  });

  it('does not end anybody a second late because the two clocks differ by a fraction', () => {
    let nowMs = 5_000.9;
    const clock = { wallMs: () => 1_800_000_000_000 + Math.floor(nowMs), monotonicMs: () => nowMs };
    const wheel = new ExpiryWheel(clock);
    const ended: string[] = [];
    const deadline = deadlineAt(1_800_000_007_000, clock);
    wheel.add({ deadline, expire: () => void ended.push('a') });

    nowMs = 6_999.9;
    wheel.tick();
    assert.deepEqual(ended, []);
    nowMs = 7_000.1;
    wheel.tick();
    assert.deepEqual(ended, ['a']);
  });

  it('skips nobody when the machine slept for hours', () => {
    const { clock, wheel, ended, add } = setUp();
    add('a', 1_500);
    add('b', HOUR);
    clock.setWall(2 * HOUR);
    wheel.tick();
    assert.deepEqual(ended.toSorted(), ['a', 'b']);
  });

  it('is not delayed by a wall clock set back an hour', () => {
    const { clock, wheel, ended, add } = setUp();
    add('a', 10_000);
    clock.setWall(-HOUR);
    wheel.tick();
    clock.pass(10_000);
    wheel.tick();
    assert.deepEqual(ended, ['a']);
  });

  it('follows a wall clock that is slewed, so that the end is found within its second', () => {
    const { clock, wheel, ended, add } = setUp();
    add('a', 60_000);
    for (let second = 0; second < 54; second += 1) {
      clock.pass(1_000);
      clock.setWall(110);
      wheel.tick();
    }
    // 54 s have passed on one clock and 59.94 s on the other.
    assert.deepEqual(ended, []);
    clock.pass(1_000);
    clock.setWall(110);
    wheel.tick();
    assert.deepEqual(ended, ['a']);
  });

  it('forgets whoever is taken out, after the clock was set too', () => {
    const { clock, wheel, ended, add } = setUp();
    const one = add('one', 5_000);
    const two = add('two', 5_000);
    wheel.remove(one);
    clock.setWall(-HOUR);
    wheel.tick();
    wheel.remove(two);
    wheel.remove(two);
    clock.pass(2 * HOUR);
    wheel.tick();
    assert.deepEqual(ended, []);
  });

  it('does not mind a deadline that never comes, or came long ago', () => {
    const { clock, wheel, ended, add } = setUp();
    const immortal = add('never', Infinity);
    add('long ago', -HOUR);
    clock.pass(1);
    wheel.tick();
    wheel.remove(immortal);
    assert.deepEqual(ended, ['long ago']);
  });

  it('closes a mass expiry in slices and leaves the loop free between them', async () => {
    const { clock, wheel, ended, add } = setUp();
    for (let index = 0; index < 1_200; index += 1) add(String(index), 1_000);
    clock.pass(1_000);
    wheel.tick();
    assert.equal(ended.length, 500);

    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(ended.length, 1_000);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(ended.length, 1_200);
    assert.equal(new Set(ended).size, 1_200);
  });

  it('takes and leaves out whoever comes and goes while a second is gone through', async () => {
    const { clock, wheel, ended, add } = setUp();
    for (let index = 0; index < 1_000; index += 1) add('early', 1_000);
    const leaving = add('taken out', 1_000);
    clock.pass(1_000);
    wheel.tick();
    wheel.remove(leaving);
    add('late', 0);
    wheel.tick();
    for (let turns = 0; turns < 3; turns += 1)
      await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([ended.length, ended.at(-1)], [1_001, 'late']);
    // And the second is as good as new.
    add('latest', 0);
    wheel.tick();
    assert.equal(ended.at(-1), 'latest');
  });

  it('ends each once, and nobody who was taken out, when a clock is set while a second is gone through', async () => {
    const { clock, wheel, ended, add } = setUp();
    for (let index = 0; index < 1_200; index += 1) add(String(index), 1_000);
    const leaving = add('taken out', 1_000);
    clock.pass(1_000);
    wheel.tick();
    clock.setWall(clock.wallMs() + 5_000);
    wheel.tick();
    wheel.remove(leaving);
    for (let turns = 0; turns < 5; turns += 1)
      await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([ended.length, new Set(ended).size], [1_200, 1_200]);
    assert.ok(!ended.includes('taken out'));
  });

  it('looks at no more than some thousands in a turn whose time has not come', async () => {
    const { clock, wheel, ended, add } = setUp();
    for (let index = 0; index < 25_000; index += 1) add('later', 1_900);
    add('now', 1_200);
    clock.pass(1_500);
    wheel.tick();
    assert.deepEqual(ended, []);
    for (let turns = 0; turns < 3; turns += 1)
      await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(ended, ['now']);
  });

  it('ticks by itself, on whole seconds of the wall clock, until it is stopped', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_800_000_000_400 });
    const clock = { wallMs: () => Date.now(), monotonicMs: () => Date.now() };
    const wheel = new ExpiryWheel(clock);
    const endedAt: number[] = [];
    const expire = () => void endedAt.push(Date.now());
    wheel.add({ deadline: deadlineAt(1_800_000_002_000, clock), expire });
    wheel.add({ deadline: deadlineAt(1_800_000_009_000, clock), expire });

    wheel.start();
    t.mock.timers.tick(600);
    t.mock.timers.tick(1_000);
    assert.deepEqual(endedAt, [1_800_000_002_000]);
    wheel.stop();
    t.mock.timers.tick(60_000);
    assert.equal(endedAt.length, 1);
  });
});
