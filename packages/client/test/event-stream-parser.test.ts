import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createEventStreamParser } from '#client/event-stream-parser.js';
import type { StreamEvent } from '#client/event-stream-parser.js';

/** What a stream says that comes in these pieces. */
function read(...pieces: readonly string[]): readonly StreamEvent[] {
  const parse = createEventStreamParser();
  return pieces.flatMap((piece) => parse(piece));
}

const message = (data: string | undefined, id?: string): StreamEvent => ({
  type: 'message',
  data,
  id,
});

/** Lines that mean something, and those that mean nothing. */
const lines = fc.oneof(
  fc.constantFrom(
    '',
    '',
    '',
    ':',
    ': comment',
    'data',
    'data:',
    'data:  x',
    'id',
    'id: 1',
    'event: a',
  ),
  fc.constantFrom('id: \0', 'retry: 5', 'dat: x', 'data: x: y', 'event', 'Data: x', 'data: é😀'),
  fc.string({ unit: 'binary' }).map((text) => text.replace(/[\r\n]/g, '')),
);
const ends = fc.constantFrom('\n', '\r\n', '\r');

describe('The parser of event streams', () => {
  it('reads the examples of the standard (HTML §9.2.6)', () => {
    assert.deepEqual(read('data: YHOO\ndata: +2\ndata: 10\n\n'), [message('YHOO\n+2\n10')]);
    assert.deepEqual(
      read(
        ': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n',
      ),
      [message('first event', '1'), message('second event', ''), message(' third event')],
    );
    assert.deepEqual(read('data\n\ndata\ndata\n\ndata:'), [message(''), message('\n')]);
    assert.deepEqual(read('data:test\n\ndata: test\n\n'), [message('test'), message('test')]);
  });

  it('tells the type, and of an id without data as a mark', () => {
    assert.deepEqual(read('event: gap\ndata: 1\n\nid: a.1\n\nevent: none\n\ndata: 2\n\n'), [
      { type: 'gap', data: '1', id: undefined },
      message(undefined, 'a.1'),
      message('2'),
    ]);
  });

  it('ignores comments, retry, unknown fields, an id with a NUL, and what is not complete', () => {
    assert.deepEqual(read(':data: 1\nretry: 1\nData: 2\nid: a\0b\n\n: \n\ndata: 3\n'), []);
  });

  it('says what is there as soon as it is there, also after a CR alone', () => {
    const parse = createEventStreamParser();
    assert.deepEqual(parse('data: 1\r\r'), [message('1')]);
    assert.deepEqual(parse('\ndata: 2\r'), []);
    assert.deepEqual(parse('\n\r'), [message('2')]);
    assert.deepEqual(parse('data: 3\n\n'), [message('3')]);
  });

  it('reads the same events whichever lines end how, and wherever it is cut', () => {
    const stream = fc.array(fc.tuple(lines, ends), { maxLength: 40 });
    const cuts = fc.array(fc.nat(200), { maxLength: 20 });
    fc.assert(
      fc.property(stream, cuts, (all, places) => {
        const text = all.map((line) => line.join('')).join('');
        const [first = 0, ...others] = [...new Set([0, ...places])].toSorted((a, b) => a - b);
        const pieces = others.map((end, index) => text.slice([first, ...others][index], end));
        const cut = read(...pieces, text.slice(others.at(-1) ?? 0));
        assert.deepEqual(cut, read(text));
        // An LF that follows a CR belongs to it.
        const isCrLf = (index: number): boolean =>
          all[index]?.[1] === '\r' && all[index + 1]?.join('') === '\n';
        if (all.some((_, index) => isCrLf(index))) return;
        assert.deepEqual(cut, read(all.map(([line]) => `${line}\n`).join('')));
      }),
    );
  });

  it('reads each event that was written', () => {
    const text = fc.string({ unit: 'binary' });
    const oneLine = text.map((value) => value.replace(/[\r\n\0]/g, ''));
    const events = fc.array(
      fc.record({
        type: oneLine,
        data: text.map((value) => value.replace(/\r/g, '')),
        id: oneLine,
      }),
    );
    fc.assert(
      fc.property(events, ends, (all, end) => {
        const written = all.map(({ type, data, id }) =>
          [
            `event: ${type}`,
            ...data.split('\n').map((line) => `data: ${line}`),
            `id: ${id}`,
            '',
            '',
          ].join(end),
        );
        const expected = all.map(({ type, ...rest }) => ({ type: type || 'message', ...rest }));
        assert.deepEqual(read(written.join('')), expected);
      }),
    );
  });

  it('takes time in proportion to a line that comes in many pieces', () => {
    const parse = createEventStreamParser();
    const piece = 'x'.repeat(1_000);
    parse('data: ');
    for (let index = 0; index < 20_000; index += 1) assert.deepEqual(parse(piece), []);
    assert.equal(parse('\n\n')[0]?.data?.length, 20_000_000);
  });
});
