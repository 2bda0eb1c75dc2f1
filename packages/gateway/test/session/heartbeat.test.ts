import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Heartbeat, HEARTBEAT_SECONDS } from '#gateway/session/heartbeat.js';

describe('Heartbeat', () => {
  it('asks each one once a round, whenever it was added', () => {
    const heartbeat = new Heartbeat();
    const beats: number[] = [];
    for (let second = 0; second < HEARTBEAT_SECONDS; second += 1) {
      heartbeat.add({ beat: () => void beats.push(second) });
      heartbeat.tick();
    }
    const before = beats.length;
    for (let second = 0; second < HEARTBEAT_SECONDS; second += 1) heartbeat.tick();
    assert.deepEqual(
      beats.slice(before).toSorted((one, other) => one - other),
      Array.from({ length: HEARTBEAT_SECONDS }, (_, second) => second),
    );
  });

  it('asks nobody before a whole round has passed', () => {
    const heartbeat = new Heartbeat();
    let beats = 0;
    heartbeat.add({ beat: () => void (beats += 1) });
    for (let second = 1; second < HEARTBEAT_SECONDS; second += 1) heartbeat.tick();
    assert.equal(beats, 0);
    heartbeat.tick();
    assert.equal(beats, 1);
  });

  it('asks more often in a round where that is wanted, in the same step', () => {
    for (const begin of [0, 7, 20]) {
      const heartbeat = new Heartbeat();
      for (let second = 0; second < begin; second += 1) heartbeat.tick();
      const beats: number[] = [];
      let now = 0;
      const beating = { beat: () => void beats.push(now) };
      heartbeat.add(beating, 15);
      for (; now < 90; heartbeat.tick()) now += 1;
      assert.deepEqual(beats, [15, 30, 45, 60, 75, 90]);
      heartbeat.remove(beating);
      for (let second = 0; second < HEARTBEAT_SECONDS; second += 1) heartbeat.tick();
      assert.equal(beats.length, 6);
    }
  });

  it('leaves alone whoever has left, and leaving twice is harmless', () => {
    const heartbeat = new Heartbeat();
    const beating = { beat: () => assert.fail('asked after leaving') };
    heartbeat.add(beating);
    heartbeat.remove(beating);
    heartbeat.remove(beating);
    for (let second = 0; second < HEARTBEAT_SECONDS; second += 1) heartbeat.tick();
  });

  it('ticks once a second until it is stopped', (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const heartbeat = new Heartbeat();
    let beats = 0;
    heartbeat.add({ beat: () => void (beats += 1) });
    heartbeat.start();
    t.mock.timers.tick(HEARTBEAT_SECONDS * 1000);
    assert.equal(beats, 1);
    heartbeat.stop();
    t.mock.timers.tick(HEARTBEAT_SECONDS * 1000);
    assert.equal(beats, 1);
  });
});
