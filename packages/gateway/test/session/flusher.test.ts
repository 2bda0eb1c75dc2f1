import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Flusher } from '#gateway/session/flusher.js';

const SLICE_MS = 10;

/** Keeps the processor for so long. */
function work(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

describe('Flusher', () => {
  it('flushes at the end of the turn, in the order in which it was asked for, and once', async () => {
    const flusher = new Flusher();
    const flushed: number[] = [];
    for (const name of [1, 2, 3]) flusher.add({ flush: () => void flushed.push(name) });
    await Promise.resolve();
    assert.deepEqual(flushed, []);
    await turn();
    assert.deepEqual(flushed, [1, 2, 3]);
    await turn();
    assert.deepEqual(flushed, [1, 2, 3]);
  });

  it('goes on in later turns when it takes long, so that no turn does', async () => {
    const flusher = new Flusher();
    const flushed: number[] = [];
    const count = 1_000;
    for (let name = 0; name < count; name += 1)
      flusher.add({ flush: () => (work(0.1), void flushed.push(name)) });
    let turns = 0;
    let most = 0;
    while (flushed.length < count) {
      const before = flushed.length;
      await turn();
      turns += 1;
      most = Math.max(most, flushed.length - before);
    }
    assert.deepEqual(flushed, [...flushed.keys()]);
    // Each takes 0.1 ms at least; the clock is looked at after some dozens of them.
    assert.ok(most <= SLICE_MS / 0.1 + 64, `${most} in a turn`);
    assert.ok(turns >= 6, `${turns} turns`);
  });

  it('goes on with the others when a bug throws at one of them, and afterwards', (t) => {
    t.mock.timers.enable({ apis: ['setImmediate'] });
    const flusher = new Flusher();
    const flushed: string[] = [];
    flusher.add({ flush: () => void flushed.push('before') });
    flusher.add({ flush: () => assert.fail('a bug') });
    flusher.add({ flush: () => void flushed.push('behind') });
    assert.throws(() => t.mock.timers.tick(0), /a bug/);
    t.mock.timers.tick(0);
    assert.deepEqual(flushed, ['before', 'behind']);
    flusher.add({ flush: () => void flushed.push('later') });
    t.mock.timers.tick(0);
    assert.deepEqual(flushed, ['before', 'behind', 'later']);
  });

  it('keeps no frame alive that has been written', async () => {
    const flusher = new Flusher();
    const frame = Buffer.from('a frame');
    const run = flusher.none.with(frame);
    assert.equal(flusher.none.with(frame), run);
    flusher.add({ flush: () => undefined });
    await turn();
    assert.notEqual(flusher.none.with(frame), run);
  });

  it('takes who is added while it flushes', async () => {
    const flusher = new Flusher();
    const flushed: string[] = [];
    flusher.add({
      flush: () => {
        flushed.push('first');
        flusher.add({ flush: () => void flushed.push('second') });
      },
    });
    await turn();
    await turn();
    assert.deepEqual(flushed, ['first', 'second']);
    flusher.add({ flush: () => void flushed.push('third') });
    await turn();
    assert.deepEqual(flushed, ['first', 'second', 'third']);
  });
});
