import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { sortedJson, sortedMembers } from '#gateway/postgres/sorted-json.js';

/** The keys of each object in a JSON text, in the order of the text, the outer object first. */
function keysInOrder(text: string): string[][] {
  const objects: string[][] = [];
  const open: string[][] = [];
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*":?|[{}]/gs)) {
    if (token === '{') objects.push((open[open.length] = []));
    else if (token === '}') open.pop();
    else if (token.endsWith('":')) open.at(-1)?.push(token.slice(0, -1));
  }
  return objects.map((keys) => keys.map((key) => String(JSON.parse(key))));
}

describe('sortedJson', () => {
  it('sorts the keys of objects at every depth and leaves lists in their order', () => {
    assert.equal(
      sortedJson({ b: [{ z: 1, y: 2 }, 3, 'x'], a: { d: null, c: true } }),
      '{"a":{"c":true,"d":null},"b":[{"y":2,"z":1},3,"x"]}',
    );
  });

  it('sorts keys that look like numbers as the texts they are', () => {
    assert.equal(
      sortedJson({ 2: 'two', 10: 'ten', ',': 'comma' }),
      '{",":"comma","10":"ten","2":"two"}',
    );
  });

  it('keeps a key named __proto__, which a token may hold', () => {
    const text = '{"__proto__":{"b":1,"a":2},"a":3}';
    assert.equal(sortedJson(JSON.parse(text)), '{"__proto__":{"a":2,"b":1},"a":3}');
  });

  it('gives an empty object no members', () => {
    assert.deepEqual(sortedMembers({}), []);
    assert.equal(sortedJson({}), '{}');
  });

  it('writes what parses to the same value, keys in order', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value: unknown = JSON.parse(text);
        const sorted = sortedJson(value);
        assert.deepEqual(JSON.parse(sorted), value);
        for (const keys of keysInOrder(sorted)) assert.deepEqual(keys, keys.toSorted());
      }),
    );
  });

  it('writes JSON as JSON.stringify would but for the order', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value: unknown = JSON.parse(text);
        const letters = (json: string): string => [...json].toSorted().join('');
        assert.equal(letters(sortedJson(value)), letters(JSON.stringify(value)));
      }),
    );
  });
});
