import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Run } from '#gateway/session/run.js';

const frames = ['one', 'two', 'three'].map((text) => Buffer.from(text));

function runOf(none: Run, ...parts: readonly Buffer[]): Run {
  return parts.reduce((run, frame) => run.with(frame), none);
}

describe('A run of frames', () => {
  it('is joined in the order in which they came, and counts their bytes', () => {
    const run = runOf(new Run(), ...frames);
    assert.equal(run.bytes, 11);
    assert.equal(run.buffer.toString(), 'onetwothree');
  });

  it('is the same for all who are owed the same, and joined once', () => {
    const none = new Run();
    const runs = frames.reduce(
      (all: readonly Run[], frame) => all.map((run) => run.with(frame)),
      [none, none, none],
    );
    assert.equal(new Set(runs).size, 1);
    assert.equal(runs[0]?.buffer, runs[2]?.buffer);
  });

  it('is another one for those who are owed something else', () => {
    const none = new Run();
    const [one = none, two = none] = frames.map((frame) => none.with(frame));
    const [mine, yours] = [one.with(Buffer.from('!')), two.with(Buffer.from('!'))];
    assert.deepEqual([mine.buffer.toString(), yours.buffer.toString()], ['one!', 'two!']);
    assert.equal(one.buffer.toString(), 'one');
  });

  it('of one frame is that frame', () => {
    assert.equal(runOf(new Run(), ...frames.slice(0, 1)).buffer, frames[0]);
  });

  it('of thousands of frames is joined without a stack that grows with them', () => {
    const many = Array.from({ length: 50_000 }, () => Buffer.from('!'));
    assert.equal(runOf(new Run(), ...many).buffer.toString(), '!'.repeat(50_000));
  });

  it('keeps no frame alive when it has forgotten what came', () => {
    const none = new Run();
    const [frame = assert.fail()] = frames;
    const before = none.with(frame);
    none.forget();
    assert.notEqual(none.with(frame), before);
  });
});
