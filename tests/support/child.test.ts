import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { startChild } from './child.ts';
import { failOnLeaks } from './leaks.ts';
import { traceProcess } from '#gateway/cli/embedded/processes.js';

const scope = failOnLeaks();
const node = (script: string): ReturnType<typeof startChild> =>
  startChild(scope, process.execPath, ['-e', script]);

describe('A child process', () => {
  it('is heard on both streams and followed to its end', async () => {
    const child = node('console.log("one"); console.error("two"); process.exitCode = 3;');
    assert.equal(await child.line(/^o/), 'one');
    assert.equal(await child.line(/^t/), 'two');
    assert.deepEqual(await child.exited(), { code: 3, signal: undefined });
    await assert.rejects(child.line(/three/), /Ended without a line like .three.:\none\ntwo/);
  });

  it('gets signals', async () => {
    const child = node(
      'process.once("SIGTERM", () => process.exit(4)); console.log("up"); setInterval(Date, 1e3);',
    );
    await child.line(/up/);
    child.signal('SIGTERM');
    assert.equal((await child.exited()).code, 4);
  });

  it('sees nothing of our environment', async () => {
    process.env['POSTERN_OF_THE_DEVELOPER'] = 'x';
    const child = node('console.log(String(process.env.POSTERN_OF_THE_DEVELOPER))');
    assert.equal(await child.line(/./), 'undefined');
  });

  describe('that goes on', () => {
    let pid = 0;
    it('is left running by one test …', async () => {
      const child = node('console.log("up"); setInterval(Date, 1e3);');
      await child.line(/up/);
      pid = child.pid;
    });
    it('… and is gone in the next', async () => {
      assert.equal(await traceProcess(pid), undefined);
    });
  });
});
