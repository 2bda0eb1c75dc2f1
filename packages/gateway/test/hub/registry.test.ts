import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Registry } from '#gateway/hub/registry.js';

describe('Registry', () => {
  it('knows its members until they leave, and leaving twice is harmless', () => {
    const registry = new Registry<string>();
    registry.add('a');
    registry.add('b');
    assert.equal(registry.size, 2);
    registry.remove('a');
    registry.remove('a');
    assert.deepEqual(registry.all(), ['b']);
  });

  it('can be walked through while members leave', () => {
    const registry = new Registry<string>();
    const names = ['a', 'b', 'c'];
    for (const name of names) registry.add(name);
    const seen = registry.all().map((name) => {
      for (const each of names) registry.remove(each);
      return name;
    });
    assert.deepEqual(seen, ['a', 'b', 'c']);
    assert.equal(registry.size, 0);
  });
});
