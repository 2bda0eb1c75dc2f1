import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { textFrame } from '#gateway/session/frame.js';

/** Reads a frame as RFC 6455 §5.2 lays it out, independently of how it was built. */
function read(frame: Buffer) {
  const short = frame.readUInt8(1) & 0x7f;
  const masked = (frame.readUInt8(1) & 0x80) !== 0;
  const [start, length] =
    short < 126
      ? [2, short]
      : short === 126
        ? [4, frame.readUInt16BE(2)]
        : [10, Number(frame.readBigUInt64BE(2))];
  return { first: frame.readUInt8(0), masked, length, payload: frame.subarray(start).toString() };
}

describe('textFrame', () => {
  for (const length of [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
    it(`encodes a text of ${length} bytes with the shortest length field`, () => {
      const text = 'x'.repeat(length);
      const frame = textFrame(text);
      assert.deepEqual(read(frame), { first: 0x81, masked: false, length, payload: text });
      assert.equal(frame.length - length, length < 126 ? 2 : length < 65_536 ? 4 : 10);
    });

  it('keeps no memory alive but its own while it waits', () => {
    assert.equal(textFrame('short').buffer.byteLength, 7);
  });

  it('counts bytes, not characters, and carries every text unchanged', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const { length, payload } = read(textFrame(text));
        return length === Buffer.byteLength(text) && payload === text;
      }),
    );
  });
});
