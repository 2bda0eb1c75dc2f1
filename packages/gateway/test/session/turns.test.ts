import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Turns } from '#gateway/session/turns.js';

describe('Work that waits for its turn', () => {
  it('is done in later turns, so much in each, in the order in which it was asked for', async () => {
    const turns = new Turns();
    const done: number[] = [];
    for (let number = 0; number < 40; number += 1) turns.add(() => void done.push(number));
    const counts = [done.length];
    for (let round = 0; round < 3; round += 1) {
      await turn();
      counts.push(done.length);
    }
    assert.deepEqual(counts, [0, 16, 32, 40]);
    assert.deepEqual(
      done,
      Array.from({ length: 40 }, (_, number) => number),
    );
  });

  it('may ask for more, which others come before', async () => {
    const turns = new Turns();
    const done: string[] = [];
    turns.add(() => {
      done.push('one');
      turns.add(() => void done.push('more of one'));
    });
    turns.add(() => void done.push('two'));
    await turn();
    assert.deepEqual(done, ['one', 'two']);
    await turn();
    assert.deepEqual(done, ['one', 'two', 'more of one']);
  });
});
