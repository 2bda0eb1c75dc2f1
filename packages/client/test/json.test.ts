import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { parseObject } from '#client/json.js';

describe('parseObject', () => {
  it('reads an object', () => {
    assert.deepEqual(parseObject('{"type":"pong","id":1}'), { type: 'pong', id: 1 });
  });

  it('finds no object in other JSON, in other text, and in what is no text', () => {
    for (const text of [
      'null',
      '1',
      '"text"',
      'true',
      '',
      '{',
      '<html>',
      undefined,
      {},
      new Blob(['{}']),
    ])
      assert.equal(parseObject(text), undefined);
  });

  it('knows no member of a list', () => {
    assert.equal(parseObject('[{"type":"pong"}]')?.['type'], undefined);
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseObject(text)));
  });
});
