import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { onceASecond } from '#gateway/http/once-a-second.js';

describe('What is written once a second', () => {
  it('says how many it left out', () => {
    let nowMs = 5_000;
    const clock = mock.method(performance, 'now', () => nowMs);
    const written: unknown[] = [];
    const write = onceASecond((more, text: string) => written.push([more, text]));
    for (let n = 0; n < 100; n++) write(`a ${n}`);
    nowMs += 999;
    write('b');
    nowMs += 1;
    write('c');
    nowMs += 1_000;
    write('d');
    clock.mock.restore();
    assert.deepEqual(written, [
      [0, 'a 0'],
      [100, 'c'],
      [0, 'd'],
    ]);
  });
});
