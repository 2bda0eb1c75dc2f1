import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSigningKeys, randomSigningKeys } from '#gateway/auth/signing-keys.js';
import { keyOf, newSecret, oldSecret } from './forging.ts';

const purposes = ['cookie', 'csrf', 'embed', 'refresh', 'cid'] as const;

describe('Signing keys', () => {
  const keys = createSigningKeys([newSecret, oldSecret]);

  it('are derived by HKDF-SHA256, with the purpose as info', () => {
    for (const purpose of purposes) {
      assert.deepEqual(keys.keyFor(purpose, 'new'), keyOf(purpose, newSecret));
      assert.deepEqual(keys.keyFor(purpose, 'old'), keyOf(purpose, oldSecret));
    }
  });

  it('differ from purpose to purpose, from secret to secret, and from the secret itself', () => {
    const all = [newSecret, oldSecret].flatMap(({ kid, secret }) => [
      secret.toString('hex'),
      ...purposes.map((purpose) => keys.keyFor(purpose, kid)?.toString('hex')),
    ]);
    assert.equal(new Set(all).size, 12);
    assert.ok(!all.includes(undefined));
  });

  it('sign with the first and verify with all', () => {
    assert.equal(keys.newest, 'new');
    assert.deepEqual(keys.kids, ['new', 'old']);
  });

  it('are none for a kid that nobody gave, the names of prototypes included', () => {
    for (const kid of ['', 'NEW', 'new ', 'constructor', '__proto__', 'toString', '../new'])
      assert.equal(keys.keyFor('cookie', kid), undefined);
  });

  it('take at least one secret', () => {
    assert.throws(() => createSigningKeys([]), TypeError);
  });
});

describe('Random signing keys', () => {
  it('are of 32 bytes, for every purpose, and different each time, their name too', () => {
    const all = [randomSigningKeys(), randomSigningKeys()];
    for (const purpose of purposes) {
      const [one, other] = all.map((keys) => keys.keyFor(purpose, keys.newest));
      assert.equal(one?.length, 32);
      assert.notDeepEqual(one, other);
    }
    assert.match(all[0]?.newest ?? '', /^[\w-]{8}$/);
    assert.notEqual(all[0]?.newest, all[1]?.newest);
  });
});
