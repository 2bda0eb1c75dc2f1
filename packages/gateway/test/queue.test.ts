import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Queue } from '#gateway/queue.js';

describe('A queue', () => {
  it('gives back what was put in, first in, first out, and knows each by its place', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean()), (puts) => {
        const queue = new Queue<number>();
        const model: number[] = [];
        for (const [number, isPut] of puts.entries()) {
          if (isPut) queue.push(number);
          if (isPut) model.push(number);
          else assert.equal(queue.shift(), model.shift());
          assert.equal(queue.length, model.length);
          assert.deepEqual(
            Array.from({ length: model.length + 1 }, (_, place) => queue.at(place)),
            [...model, undefined],
          );
        }
      }),
    );
  });
});
