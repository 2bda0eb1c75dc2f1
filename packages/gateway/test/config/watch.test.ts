import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { watchFiles } from '#gateway/config/watch.js';

const folder = mkdtempSync(join(tmpdir(), 'postern-watch-'));
after(() => rmSync(folder, { recursive: true }));

describe('watchFiles', () => {
  it('calls once for files that are changed together, and for one that appears', async () => {
    const [one, other, absent] = ['one', 'other', 'absent'].map((name) => join(folder, name));
    assert.ok(one !== undefined && other !== undefined && absent !== undefined);
    writeFileSync(one, '1');
    writeFileSync(other, '1');
    let calls = 0;
    let called = (): void => {};
    const next = (): Promise<void> => new Promise((resolve) => (called = resolve));
    // Who watches keeps no process alive.
    const alive = setInterval(() => {}, 1_000);
    let stopOther = (): void => {};
    const stop = watchFiles([one, other, absent], () => {
      calls += 1;
      called();
    });
    try {
      // That one is not there is news in itself: from here on all of them have been looked at.
      await next();
      writeFileSync(one, '2');
      writeFileSync(other, '2');
      await next();
      // As long as it takes to be told of one: whatever else there was to tell has been told by then.
      await new Promise<void>((resolve) => {
        stopOther = watchFiles([join(folder, 'nowhere')], resolve);
      });
      assert.equal(calls, 2);
      writeFileSync(absent, '1');
      await next();
      assert.equal(calls, 3);
    } finally {
      stop();
      stop();
      stopOther();
      clearInterval(alive);
    }
  });
});
