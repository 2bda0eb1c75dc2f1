import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KeyRing } from '#gateway/auth/key-ring.js';
import type { KeySources } from '#gateway/auth/keys.js';
import { p256Pair, publicJwk, publicPem, rsaPair, secret } from './signing.ts';

const OTHER = 'another secret of at least thirty-two bytes';

/** A ring whose sets never come. */
const ringOf = (sources: Partial<KeySources>): KeyRing =>
  new KeyRing(
    { jwtSecretBase64: false, ...sources },
    { log: () => {}, getText: () => new Promise(() => {}) },
  );

const replaceIn = (ring: KeyRing, sources: Partial<KeySources>): boolean =>
  ring.replace({ jwtSecretBase64: false, ...sources });

describe('KeyRing', () => {
  it('tells whether the keys it is given are others', () => {
    const ring = ringOf({ jwtSecret: secret });
    assert.equal(replaceIn(ring, { jwtSecret: secret }), false);
    assert.equal(replaceIn(ring, { jwtSecret: OTHER }), true);
    assert.equal(replaceIn(ring, { jwtSecret: publicPem(rsaPair) }), true);
    assert.equal(replaceIn(ring, { jwtSecret: publicPem(p256Pair) }), true);
    assert.equal(replaceIn(ring, { jwtSecret: publicPem(p256Pair) }), false);
  });

  it('tells keys apart by their kid too, and by what they may verify', () => {
    const set = (more: object): string =>
      JSON.stringify({ keys: [publicJwk(rsaPair, { kid: 'a', alg: 'RS256', ...more })] });
    const ring = ringOf({ jwks: set({}) });
    assert.equal(replaceIn(ring, { jwks: set({}) }), false);
    assert.equal(replaceIn(ring, { jwks: set({ kid: 'b' }) }), true);
    assert.equal(replaceIn(ring, { jwks: set({ kid: 'b', alg: 'PS256' }) }), true);
  });

  it('keeps what it has when it is given what cannot be used', () => {
    const ring = ringOf({ jwtSecret: secret });
    const before = ring.keys;
    for (const sources of [{ jwtSecret: 'short' }, { jwks: '{}' }, {}])
      assert.throws(() => replaceIn(ring, sources), { code: 'POSTERN_KEYS' });
    assert.equal(ring.keys, before);
  });

  it('never changes a list that somebody goes through', () => {
    const ring = ringOf({ jwtSecret: secret });
    const before = ring.keys;
    replaceIn(ring, { jwtSecret: OTHER });
    assert.deepEqual(before, ringOf({ jwtSecret: secret }).keys);
  });

  it('fetches a set at another URL unasked, once it is started, and not after its stop', async (test) => {
    const urls: string[] = [];
    const ring = new KeyRing(
      { jwtSecretBase64: false, jwtSecret: secret },
      {
        log: () => {},
        getText: (url) => {
          urls.push(url.href);
          return new Promise(() => {});
        },
      },
    );
    test.after(() => ring.stop());
    const [one, two, three] = [1, 2, 3].map((n) => `https://issuer.test/${n}`);
    replaceIn(ring, { jwks: one });
    ring.start();
    replaceIn(ring, { jwks: two });
    ring.stop();
    replaceIn(ring, { jwks: three });
    await Promise.resolve();
    assert.deepEqual(urls, [one, two]);
  });

  it('finds a key no more in a set that is gone, and is not kept waiting for it', async (test) => {
    const ring = ringOf({ jwks: 'https://issuer.test/keys' });
    test.after(() => ring.stop());
    ring.start();
    const found = ring.lookUp({ algorithm: 'RS256', keyId: 'a' });
    assert.equal(replaceIn(ring, { jwtSecret: secret }), true);
    assert.equal(await found, 'done');
    assert.equal(ring.keys.length, 1);
  });
});
