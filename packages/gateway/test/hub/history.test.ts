import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { History } from '#gateway/hub/history.js';

const EVERYTHING = 1_000_000;

/** A history, and its clock. */
function setUp({ seconds = 120, bytes = 1_000_000 } = {}) {
  const clock = { ms: 0 };
  const history = new History({ seconds, bytes, nowMs: () => clock.ms });
  /** Adds a message, and returns its cursor. */
  const add = (channel: string, text = 'a text'): string => {
    history.add(channel, () => text);
    return history.cursor;
  };
  const texts = (channels: readonly string[], cursor: string): readonly string[] =>
    history
      .read(
        channels.map((channel) => ({ channel })),
        cursor,
        EVERYTHING,
      )
      .messages.map(({ text }) => text);
  return { clock, history, add, texts };
}

describe('The history', () => {
  it('knows all of a channel that came after a cursor, in order', () => {
    const { history, add, texts } = setUp();
    const start = history.cursor;
    for (const text of ['one', 'two', 'three']) {
      add('chat', text);
      add('other', `not ${text}`);
    }
    assert.equal(history.holeAfter('chat', start), undefined);
    assert.deepEqual(texts(['chat'], start), ['one', 'two', 'three']);
    assert.deepEqual(texts(['chat'], history.cursor), []);
  });

  it('gives every message a cursor of its own, which is in its text', () => {
    const { history, add, texts } = setUp();
    const start = history.cursor;
    history.add('chat', (cursor) => `at ${cursor}`);
    assert.deepEqual(texts(['chat'], start), [`at ${history.cursor}`]);
    assert.notEqual(add('chat'), add('chat'));
  });

  it('reads several channels in the order in which their messages came', () => {
    const { history, add, texts } = setUp();
    const start = history.cursor;
    for (const channel of ['b', 'a', 'c', 'b', 'a']) add(channel, channel);
    assert.deepEqual(texts(['a', 'b'], start), ['b', 'a', 'b', 'a']);
  });

  it('leaves out what came of a channel up to where it is to begin', () => {
    const { history, add } = setUp();
    const start = history.cursor;
    add('a', 'a 1');
    add('b', 'b 1');
    const begin = add('a', 'a 2');
    add('b', 'b 2');
    add('a', 'a 3');
    const readings = [{ channel: 'a', begin }, { channel: 'b' }];
    const read = (cursor: string, enough: number) => history.read(readings, cursor, enough);
    const { messages } = read(start, EVERYTHING);
    assert.deepEqual(
      messages.map(({ text }) => text),
      ['b 1', 'b 2', 'a 3'],
    );
    // Whoever reads on from a piece is further than that already.
    assert.deepEqual(read(read(start, 6).cursor, EVERYTHING).messages, messages.slice(2));
  });

  it('reads on from where a piece has ended', () => {
    const { history, add } = setUp();
    let { cursor } = history;
    for (let number = 0; number < 10; number += 1) add('chat', `number ${number}`);
    const read: string[] = [];
    let pieces = 0;
    for (let isLast = false; !isLast; pieces += 1) {
      const piece = history.read([{ channel: 'chat' }], cursor, 20);
      read.push(...piece.messages.map(({ text }) => text));
      ({ cursor, isLast } = piece);
    }
    assert.deepEqual(
      read,
      Array.from({ length: 10 }, (_, number) => `number ${number}`),
    );
    assert.equal(pieces, 4);
    assert.equal(cursor, history.cursor);
  });

  it('forgets what is too old', () => {
    const { clock, history, add } = setUp({ seconds: 10 });
    const start = history.cursor;
    const first = add('chat');
    clock.ms = 10_000;
    assert.equal(history.holeAfter('chat', start), undefined);
    clock.ms = 11_000;
    assert.equal(history.holeAfter('chat', start), 'too_old');
    assert.equal(history.holeAfter('chat', first), undefined);
    assert.deepEqual(history.read([{ channel: 'chat' }], first, EVERYTHING).messages, []);
  });

  it('forgets the oldest of all channels when that takes too much', () => {
    const { history, add } = setUp({ bytes: 100_000 });
    const start = history.cursor;
    add('quiet');
    const second = add('quiet');
    for (let number = 0; number < 1_000; number += 1) add('loud', 'x'.repeat(100));
    assert.equal(history.holeAfter('quiet', start), 'too_old');
    assert.equal(history.holeAfter('loud', second), 'too_old');
    assert.ok(history.bytes <= 100_000 && history.bytes > 80_000);
  });

  it('counts what channels take, too', () => {
    const { history, add } = setUp({ bytes: 100_000 });
    for (let number = 0; number < 1_000; number += 1) add(`channel ${number}`, 'a text');
    assert.ok(history.bytes <= 100_000);
    const start = history.cursor;
    for (let number = 0; number < 170; number += 1) add(`other ${number}`, 'a text');
    assert.equal(history.holeAfter('other 0', start), 'too_old');
    assert.equal(history.holeAfter('other 169', start), undefined);
  });

  it('knows that nothing has come on a channel since, long after its last message is forgotten', () => {
    const { clock, history, add } = setUp({ seconds: 1 });
    const last = add('quiet');
    for (; clock.ms < 60_000; clock.ms += 1_000) add('loud');
    assert.equal(history.holeAfter('quiet', last), undefined);
    assert.equal(history.holeAfter('never used', last), undefined);
    assert.equal(history.holeAfter('loud', last), 'too_old');
  });

  it('bounds what it knows of such channels, too', () => {
    const { history, add } = setUp({ seconds: 0, bytes: 100_000 });
    const start = history.cursor;
    for (let number = 0; number < 10_000; number += 1) add(`channel ${number}`);
    assert.ok(history.bytes <= 12_500);
    assert.equal(history.holeAfter('channel 0', start), 'too_old');
    assert.equal(history.holeAfter('never used', start), 'too_old');
    assert.equal(history.holeAfter('channel 9999', history.cursor), undefined);
  });

  it('counts two bytes for each character of a text that needs them', () => {
    const { history, add } = setUp();
    const taken = (text: string): number => {
      const before = history.bytes;
      add('chat', text);
      return history.bytes - before;
    };
    taken('the channel itself');
    assert.equal(taken('ž'.repeat(100)), taken('é'.repeat(100)) + 100);
  });

  it('keeps nothing where it is told to, and is right about that', () => {
    for (const bounds of [{ seconds: 0 }, { bytes: 0 }]) {
      const { history, add } = setUp(bounds);
      const start = history.cursor;
      const first = add('chat');
      assert.equal(history.holeAfter('chat', start), 'too_old');
      assert.equal(history.holeAfter('chat', first), undefined);
    }
  });

  it('knows no cursor of before a restart, of another history, of the future, or made up', () => {
    const { history, add } = setUp();
    const [, sequence] = add('chat').split('.');
    const before = history.cursor;
    const [epoch] = before.split('.');
    const madeUp = ['', '.', epoch, `${epoch}.`, `${epoch}.2`, `${epoch}.-1`, `${epoch}.1.`];
    const foreign = [setUp().history.cursor, `x.${sequence}`, `${epoch}.01e0`, `${epoch}.1e0`];
    for (const cursor of [...madeUp, ...foreign]) {
      assert.equal(history.holeAfter('chat', cursor ?? ''), 'unknown_cursor', cursor);
      assert.deepEqual(history.read([{ channel: 'chat' }], cursor ?? '', EVERYTHING).messages, []);
    }
    history.restart();
    assert.equal(history.bytes, 0);
    add('other');
    add('other');
    // Its number is there once more.
    assert.equal(history.holeAfter('chat', before), 'unknown_cursor');
    assert.equal(history.holeAfter('chat', history.cursor), undefined);
  });

  it('does not go on over an interruption of the channel, and does so from there on', () => {
    const { history, add, texts } = setUp();
    const start = history.cursor;
    add('chat', 'before');
    history.interrupt('chat');
    history.interrupt('silent');
    const { cursor } = history;
    add('chat', 'after');
    for (const channel of ['chat', 'silent']) {
      assert.equal(history.holeAfter(channel, start), 'too_old');
      assert.equal(history.holeAfter(channel, cursor), undefined);
    }
    assert.equal(history.holeAfter('other', start), undefined);
    assert.deepEqual(texts(['chat'], cursor), ['after']);
  });
});

describe('Whatever happens, the history', () => {
  const channel = fc.constantFrom('a', 'b', 'c');
  const happenings = fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('message' as const), channel }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('interruption' as const), channel }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('second' as const), channel }) },
    ),
    { maxLength: 60 },
  );
  const bounds = fc.record({
    seconds: fc.integer({ min: 0, max: 4 }),
    bytes: fc.integer({ min: 0, max: 3_000 }),
  });

  it('gives all that came after a cursor, once and in order, or says that it does not know', () => {
    fc.assert(
      fc.property(happenings, bounds, (steps, limits) => {
        const { clock, history, add, texts } = setUp(limits);
        const seen: { channel: string; text: string; isLost: boolean }[] = [];
        const cursors = [{ cursor: history.cursor, since: 0 }];
        for (const [number, step] of steps.entries()) {
          if (step.kind === 'second') clock.ms += 1_000;
          else if (step.kind === 'message') add(step.channel, `${number}`);
          else history.interrupt(step.channel);
          if (step.kind === 'second') continue;
          const isLost = step.kind === 'interruption';
          seen.push({ channel: step.channel, text: `${number}`, isLost });
          cursors.push({ cursor: history.cursor, since: seen.length });
        }
        assert.ok(history.bytes <= limits.bytes);
        for (const { cursor, since } of cursors) {
          for (const name of ['a', 'b', 'c']) {
            const after = seen.slice(since).filter((one) => one.channel === name);
            if (history.holeAfter(name, cursor) !== undefined) continue;
            assert.ok(after.every(({ isLost }) => !isLost));
            assert.deepEqual(
              texts([name], cursor),
              after.map(({ text }) => text),
            );
          }
        }
        // And it is not too timid: where all is there, it says so.
        assert.equal(history.holeAfter('a', history.cursor), undefined);
      }),
      { numRuns: 500 },
    );
  });
});
