import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LineWriter } from '#gateway/observe/line-writer.js';

/** A destination with room for so many bytes, and none when it has failed. */
class Sink {
  text = '';
  room = Infinity;
  failure: string | undefined;
  calls = 0;

  readonly write = (bytes: Buffer): number => {
    this.calls += 1;
    const taken = Math.min(bytes.length, this.room);
    if (this.failure !== undefined || taken === 0)
      throw Object.assign(new Error('no'), { code: this.failure ?? 'EAGAIN' });
    this.text += bytes.subarray(0, taken).toString();
    this.room -= taken;
    return taken;
  };
}

function build(limitBytes = 1_000) {
  const sink = new Sink();
  const dropped: number[] = [];
  const writer = new LineWriter({
    write: sink.write,
    limitBytes,
    onDropped: (lines) => {
      dropped.push(lines);
      writer.write(`${lines} dropped\n`);
    },
  });
  return { sink, dropped, writer };
}

const exitListeners = (): number => process.listenerCount('exit');

describe('A writer of lines', () => {
  it('writes at once, while there is room', () => {
    const { sink, writer } = build();
    writer.write('one\n');
    writer.write('zwölf\n');
    assert.equal(sink.text, 'one\nzwölf\n');
  });

  it('goes on within a line when there is room again, and keeps the order', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { sink, writer, dropped } = build();
    sink.room = 6;
    for (const line of ['one\n', 'two\n', 'three\n']) writer.write(line);
    assert.equal(sink.text, 'one\ntw');

    sink.room = 5;
    t.mock.timers.tick(10);
    sink.room = Infinity;
    t.mock.timers.tick(20);
    assert.equal(sink.text, 'one\ntwo\nthree\n');
    assert.deepEqual(dropped, []);
  });

  it('drops and counts what is beyond its limit, and says so behind what it kept', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { sink, writer, dropped } = build(10);
    sink.room = 0;
    for (const line of ['12345678\n', 'much too long\n', 'a\n', 'b\n']) writer.write(line);
    assert.equal(sink.text, '');

    sink.room = Infinity;
    t.mock.timers.tick(10);
    writer.write('c\n');
    assert.equal(sink.text, '12345678\n3 dropped\nc\n');
    assert.deepEqual(dropped, [3]);
  });

  it('asks ever more rarely while there is no room, and never per line', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { sink, writer } = build();
    sink.room = 0;
    for (let n = 0; n < 100; n += 1) writer.write('line\n');
    assert.equal(sink.calls, 1);
    for (const ms of [10, 20, 40, 80, 160, 320, 500, 500]) t.mock.timers.tick(ms);
    assert.equal(sink.calls, 9);
    t.mock.timers.tick(499);
    assert.equal(sink.calls, 9);
  });

  for (const code of ['ENOSPC', 'EIO', 'EAGAIN'])
    it(`outlives ${code}, and writes on once it is over`, (t) => {
      t.mock.timers.enable({ apis: ['setTimeout'] });
      const { sink, writer } = build();
      sink.failure = code;
      writer.write('kept\n');
      sink.failure = undefined;
      t.mock.timers.tick(10);
      assert.equal(sink.text, 'kept\n');
    });

  it('gives up on a pipe whose reader is gone', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const before = exitListeners();
    const { sink, writer, dropped } = build();
    sink.failure = 'EPIPE';
    writer.write('one\n');
    for (let n = 0; n < 100; n += 1) writer.write('more\n');
    t.mock.timers.tick(10_000);
    assert.equal(sink.calls, 1);
    assert.deepEqual(dropped, []);
    assert.equal(exitListeners(), before);
  });

  it('waits for the end of the process only while something waits', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const before = exitListeners();
    const { sink, writer } = build();
    for (let round = 0; round < 20; round += 1) {
      sink.room = 0;
      writer.write('one\n');
      writer.write('two\n');
      assert.equal(exitListeners(), before + 1);
      sink.room = Infinity;
      t.mock.timers.tick(10);
      assert.equal(exitListeners(), before);
    }
  });

  it('hands over the last lines at the end of the process, what is missing included', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { sink, writer } = build(10);
    sink.room = 0;
    for (const line of ['1\n', '2\n', 'much too long\n']) writer.write(line);
    sink.room = Infinity;
    process.listeners('exit').at(-1)?.(0);
    assert.equal(sink.text, '1\n2\n1 dropped\n');
  });

  it('holds up the end of the process for half a second at most', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { sink, writer } = build();
    sink.room = 0;
    writer.write('never\n');
    const startMs = performance.now();
    const flush = process.listeners('exit').at(-1);
    flush?.(0);
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs >= 450 && tookMs < 2_000, `${Math.round(tookMs)} ms`);
    assert.equal(sink.text, '');
    sink.room = Infinity;
    t.mock.timers.tick(10);
    assert.equal(sink.text, 'never\n');
  });
});
