import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { textArray } from '#gateway/postgres/text-array.js';

const counted = (text: string) => ({ text, bytes: Buffer.byteLength(text) });

/** Reads what follows the header, as the server does. */
function textsIn(array: Buffer): readonly string[] {
  const texts: string[] = [];
  for (let at = 20; at < array.length;) {
    const start = at + 4;
    at = start + array.readInt32BE(at);
    texts.push(array.toString('utf8', start, at));
  }
  return texts;
}

describe('An array of texts', () => {
  it("is what PostgreSQL sends for ARRAY['a\"', 'é', '']", () => {
    const header = '00000001' + '00000000' + '00000019' + '00000003' + '00000001';
    const texts = ['00000002' + '6122', '00000002' + 'c3a9', '00000000'];
    assert.equal(textArray(['a"', 'é', ''].map(counted)).toString('hex'), header + texts.join(''));
  });

  it('holds any texts, each as it is', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), (texts) => {
        const array = textArray(texts.map(counted));
        assert.equal(array.readInt32BE(12), texts.length);
        assert.deepEqual(textsIn(array), texts);
      }),
    );
  });
});
