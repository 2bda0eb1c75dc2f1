import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadKeys } from '#gateway/auth/keys.js';
import { fromSecret, fromSet, refuses, secretSeen, seen } from './loading.ts';
import { octJwk, p256Pair, pairs, publicJwk, publicPem, rsaPair, secret } from './signing.ts';

describe('a JWK', () => {
  for (const [name, { pair, algorithms }] of Object.entries(pairs))
    it(`gives the public key of ${name}, of a private key too`, () => {
      const key = { algorithms, type: 'public', bytes: publicPem(pair) };
      const expected = [{ kid: undefined, ...key }];
      const privateJwk = { ...pair.privateKey.export({ format: 'jwk' }), kid: 'one' };
      for (const jwk of [publicJwk(pair, { kid: 'one' }), privateJwk]) {
        assert.deepEqual(seen(fromSecret(`\n ${JSON.stringify(jwk)}\n`)), expected);
        assert.deepEqual(
          seen(loadKeys({ jwtSecretBase64: false, jwks: JSON.stringify(jwk) })),
          expected,
        );
        assert.deepEqual(seen(fromSet(jwk)), [{ kid: 'one', ...key }]);
      }
    });

  it('may have a byte order mark before it', () => {
    assert.deepEqual(seen(fromSecret(`\uFEFF${JSON.stringify(octJwk(secret))}`)), secretSeen);
  });

  it('gives a secret, too', () => {
    assert.deepEqual(seen(fromSecret(JSON.stringify(octJwk(secret)))), secretSeen);
  });

  it('is narrowed to its own alg', () => {
    assert.deepEqual(fromSet(publicJwk(rsaPair, { alg: 'PS384' }))[0]?.algorithms, ['PS384']);
    assert.deepEqual(fromSet(octJwk(secret, { alg: 'HS512' }))[0]?.algorithms, ['HS512']);
  });

  for (const [what, jwk] of Object.entries({
    'a use of enc': publicJwk(rsaPair, { use: 'enc' }),
    'a use that is no text': publicJwk(rsaPair, { use: ['sig'] }),
    'key_ops without verify': publicJwk(rsaPair, { key_ops: ['sign', 'wrapKey'] }),
    'key_ops that are no list': publicJwk(rsaPair, { key_ops: 'verify' }),
    'an alg for encryption': publicJwk(rsaPair, { alg: 'RSA-OAEP' }),
    'the alg of another kind': publicJwk(rsaPair, { alg: 'HS256' }),
    'an alg that is no text': publicJwk(rsaPair, { alg: ['RS256'] }),
    'an unknown kty': { kty: 'AKP', pub: 'AA', alg: 'ML-DSA-44' },
    'no kty': { k: 'AA' },
    'an inherited kty': { kty: '__proto__' },
    'an unknown curve': publicJwk(p256Pair, { crv: 'secp256k1' }),
    'no curve': publicJwk(p256Pair, { crv: undefined }),
  }))
    it(`with ${what} is left out of a set, and refused alone`, () => {
      assert.equal(fromSet(jwk, publicJwk(p256Pair)).length, 1);
      refuses({ jwks: JSON.stringify(jwk) }, /JWKS has no key that verifies/);
    });

  it('counts with a use of sig, and key_ops that have verify', () => {
    const jwk = publicJwk(rsaPair, { use: 'sig', key_ops: ['sign', 'verify'], alg: 'RS256' });
    assert.equal(fromSet(jwk).length, 1);
  });

  for (const [jwk, expected] of [
    [octJwk('x'.repeat(31)), /key 2, is shorter than 32 bytes/],
    [octJwk(''), /key 2, is shorter than 32 bytes/],
    [{ kty: 'oct', k: 'a+b=' }, /key 2, has a k that is not base64url/],
    [{ kty: 'oct' }, /key 2, has no text as its k/],
    [{ kty: 'RSA', n: 'AQAB' }, /key 2, has no text as its e/],
    [{ kty: 'RSA', n: 'AQAB', e: 'AQAB' }, /key 2, is an RSA key of less than 2048 bits/],
    [publicJwk(p256Pair, { x: 'AA' }), /key 2, is not a valid key/],
    [publicJwk(p256Pair, { kid: 7 }), /key 2, has a kid that is not text/],
    ['text', /key 2, is not a JSON object/],
    [null, /key 2, is not a JSON object/],
  ] as const)
    it(`in a set is refused rather than left out, when it is ${JSON.stringify(jwk)}`, () => {
      const jwks = JSON.stringify({ keys: [publicJwk(rsaPair), jwk] });
      refuses({ jwks }, expected);
    });
});

describe('a JWK set', () => {
  const keys = [octJwk(secret, { kid: 'a' }), publicJwk(rsaPair, { kid: 'b' })];

  it('gives its keys, from either option', () => {
    for (const loaded of [fromSet(...keys), fromSecret(JSON.stringify({ keys }))])
      assert.deepEqual(
        loaded.map(({ kid }) => kid),
        ['a', 'b'],
      );
  });

  it('stands beside the secret', () => {
    const loaded = loadKeys({
      jwtSecret: secret,
      jwtSecretBase64: false,
      jwks: JSON.stringify({ keys }),
    });
    assert.deepEqual(
      loaded.map(({ kid }) => kid),
      [undefined, 'a', 'b'],
    );
  });

  it('may hold two keys of one kid, as while they are changed', () => {
    assert.equal(fromSet(publicJwk(rsaPair, { kid: 'a' }), octJwk(secret, { kid: 'a' })).length, 2);
  });

  it('is refused when it has no keys, or is no set', () => {
    refuses({ jwks: '{"keys":[]}' }, /JWKS has no key that verifies/);
    refuses({ jwks: '{"keys":{}}' }, /JWKS has keys that are not a list/);
    for (const jwks of ['', '[]', 'null', '{"keys":[', 'issuer.test/keys'])
      refuses({ jwks }, /JWKS is not a JSON object/);
    refuses({ jwtSecret: `{"${secret}` }, /JWT_SECRET .* is not a JSON object/);
  });
});
