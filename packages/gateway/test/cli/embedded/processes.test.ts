import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';

import {
  shutDown,
  traceProcess,
  traceWithProc,
  traceWithPs,
} from '#gateway/cli/embedded/processes.js';

const isLinux = process.platform === 'linux';
const readers = isLinux ? { traceWithProc, traceWithPs } : { traceWithPs };

for (const [name, trace] of Object.entries(readers)) {
  describe(`The trace of a process (${name})`, () => {
    it('tells its arguments', async () => {
      const script = 'console.log(1); setInterval(Date, 1000)';
      const child = spawn(process.execPath, ['-e', script, 'one', 'two']);
      await once(child.stdout, 'data');
      assert.match((await trace(child.pid ?? 0))?.command ?? '', / one two $/);
      child.kill('SIGKILL');
      await once(child, 'exit');
    });

    it('is the same each time, and gone with the process', async () => {
      const child = spawn(process.execPath, ['-e', 'setInterval(Date, 1000)']);
      const pid = child.pid ?? 0;
      const first = (await trace(pid))?.startedAt;
      assert.ok(first);
      assert.equal((await trace(pid))?.startedAt, first);

      child.kill('SIGKILL');
      await once(child, 'exit');
      assert.equal(await trace(pid), undefined);
    });

    it('is none where there is no process', async () => {
      assert.equal(await trace(2 ** 22 + 1), undefined);
    });
  });
}

describe('The trace of a process in Linux', { skip: !isLinux }, () => {
  it('tells apart two that started one after the other', async () => {
    const [parent, own] = await Promise.all([
      traceProcess(process.ppid),
      traceProcess(process.pid),
    ]);
    assert.notEqual(parent?.startedAt, own?.startedAt);
  });

  it('is read right where the name of the program looks like more fields', async () => {
    const script = 'process.title = ") Z 1 2 (x"; console.log(1); setInterval(Date, 1000)';
    const child = spawn(process.execPath, ['-e', script]);
    await once(child.stdout, 'data');
    const [first, second] = await Promise.all([traceWithProc(child.pid ?? 0), traceProcess(1)]);
    child.kill('SIGKILL');
    assert.ok(first);
    assert.match(first.startedAt, /^\d+$/);
    assert.notEqual(first.startedAt, second?.startedAt);
  });
});

describe('Shutting down', () => {
  it('goes no further than it has to', async () => {
    const script =
      'process.on("SIGINT", () => process.exit(5)); console.log(1); setInterval(Date, 1e3)';
    const child = spawn(process.execPath, ['-e', script]);
    await once(child.stdout, 'data');
    const hasEnded = async (): Promise<boolean> => child.exitCode !== null;
    assert.equal(await shutDown(child.pid ?? 0, hasEnded), true);
    assert.equal(child.exitCode, 5);
  });

  it('does no harm to a process that has ended', async () => {
    assert.equal(await shutDown(2 ** 22 + 1, async () => true), true);
  });
});
