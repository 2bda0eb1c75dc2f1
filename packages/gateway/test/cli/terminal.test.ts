import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { shownLine } from '#gateway/cli/terminal.js';

describe('A line of unknown origin', () => {
  it('is one line, with nothing in it that a terminal would obey', () => {
    const property = fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.doesNotMatch(shownLine(text, true), /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
      assert.doesNotMatch(shownLine(text, false), /[\r\n]/);
    });
    fc.assert(property);
  });

  it('keeps its meaning in JSON', () => {
    const property = fc.property(fc.jsonValue(), fc.boolean(), (value, isTerminal) => {
      const line = shownLine(JSON.stringify(value), isTerminal);
      assert.deepEqual(JSON.parse(line), JSON.parse(JSON.stringify(value)));
    });
    fc.assert(property);
  });

  it('is left as it is off a terminal, but for line breaks', () => {
    assert.equal(shownLine('a\tb\u001b[1mé\r\n', false), 'a\tb\u001b[1mé\\r\\n');
    assert.equal(shownLine('a\tb\u001b[1mé', true), 'a\\u0009b\\u001b[1mé');
  });
});
