import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { utf8Length } from '#client/utf8-length.js';

describe('utf8Length', () => {
  it('counts as Buffer does, at each border of the lengths', () => {
    for (const text of [
      '',
      '\0',
      '\x7f',
      '\x80',
      '\u07ff',
      '\u0800',
      '\ud7ff',
      '\ue000',
      '\uffff',
      '\u{10000}',
      '\u{10ffff}',
    ])
      assert.equal(utf8Length(text), Buffer.byteLength(text), JSON.stringify(text));
  });

  it('counts as Buffer does whatever can be written', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        assert.equal(utf8Length(text), Buffer.byteLength(text));
      }),
    );
  });

  it('counts JSON of any text as Buffer does, halves of surrogate pairs among it', () => {
    const half = fc.integer({ min: 0xd800, max: 0xdfff }).map((code) => String.fromCharCode(code));
    fc.assert(
      fc.property(fc.array(fc.oneof(half, fc.string({ unit: 'binary' }))), (parts) => {
        const json = JSON.stringify(parts.join(''));
        assert.equal(utf8Length(json), Buffer.byteLength(json));
      }),
    );
  });
});
