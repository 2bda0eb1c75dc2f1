import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Part } from '#gateway/lifecycle.js';
import { Lifecycle } from '#gateway/lifecycle.js';

function setUp(changes: Readonly<Record<string, Partial<Part>>> = {}) {
  const steps: string[] = [];
  const late: string[] = [];
  const parts = ['database', 'server', 'feed'].map((name) => ({
    name,
    start: () => void steps.push(`start ${name}`),
    stop: () => void steps.push(`stop ${name}`),
    ...changes[name],
  }));
  const lifecycle = new Lifecycle(parts, 20, (part, error) =>
    late.push(`${part}: ${String(error)}`),
  );
  return { lifecycle, steps, late };
}

describe('Lifecycle', () => {
  it('starts in order and stops in reverse', async () => {
    const { lifecycle, steps, late } = setUp();
    await lifecycle.start();
    await lifecycle.stop();
    assert.deepEqual(steps, [
      'start database',
      'start server',
      'start feed',
      'stop feed',
      'stop server',
      'stop database',
    ]);
    assert.deepEqual(late, []);
  });

  it('stops once, however often it is told to', async () => {
    const { lifecycle, steps } = setUp();
    await lifecycle.start();
    await Promise.all([lifecycle.stop(), lifecycle.stop()]);
    await lifecycle.stop();
    assert.equal(steps.filter((step) => step.startsWith('stop')).length, 3);
  });

  it('hands on what a part cannot start for, and stops it and those before it', async () => {
    const failing = { start: () => Promise.reject(new Error('no port')) };
    const { lifecycle, steps } = setUp({ server: failing });
    await assert.rejects(lifecycle.start(), /no port/);
    await lifecycle.stop();
    assert.deepEqual(steps, ['start database', 'stop server', 'stop database']);
  });

  it('stops what is up when it is told to in the middle of the start', async () => {
    let finishOpening: (() => void) | undefined;
    const opened = new Promise<void>((resolve) => (finishOpening = resolve));
    let stopping: Promise<void> | undefined;
    const { lifecycle, steps } = setUp({
      server: {
        start: () => {
          stopping = lifecycle.stop();
          return opened;
        },
      },
    });
    const start = lifecycle.start();
    await new Promise((resolve) => setImmediate(resolve));
    await stopping;
    finishOpening?.();
    await start;
    assert.deepEqual(steps, ['start database', 'stop server', 'stop database']);
  });

  it('stops what needs no start too, however far the start has come', async () => {
    const { lifecycle, steps } = setUp({
      server: { start: () => lifecycle.stop() },
      feed: { start: undefined },
    });
    await lifecycle.start();
    assert.deepEqual(steps, ['start database', 'stop feed', 'stop server', 'stop database']);
  });

  it('leaves behind, and names, a part that hangs or fails at the stop', async () => {
    const { lifecycle, steps, late } = setUp({
      feed: { stop: () => new Promise(() => undefined) },
      server: {
        stop: () => {
          throw new Error('broken');
        },
      },
    });
    await lifecycle.start();
    await lifecycle.stop();
    assert.deepEqual(late, ['feed: Error: Did not stop within 20 ms', 'server: Error: broken']);
    assert.equal(steps.at(-1), 'stop database');
  });
});
