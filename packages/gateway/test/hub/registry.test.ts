import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Registry } from '#gateway/hub/registry.js';

describe('Registry', () => {
  it('knows its members until they leave, and leaving twice is harmless', () => {
    const registry = new Registry<string>();
    const leave = registry.add('a');
    registry.add('b');
    assert.equal(registry.size, 2);
    leave();
    leave();
    assert.deepEqual(registry.all(), ['b']);
  });

  it('can be walked through while members leave', () => {
    const registry = new Registry<string>();
    const leaves = ['a', 'b', 'c'].map((name) => registry.add(name));
    const seen = registry.all().map((name) => {
      for (const leave of leaves) leave();
      return name;
    });
    assert.deepEqual(seen, ['a', 'b', 'c']);
    assert.equal(registry.size, 0);
  });
});
