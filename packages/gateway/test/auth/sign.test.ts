import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { readSigningKey, signClaims } from '#gateway/auth/sign.js';
import {
  goodClaims,
  now,
  octJwk,
  p256Pair,
  pairs,
  privatePem,
  publicJwk,
  publicPem,
  secret,
  verifierFor,
} from './signing.ts';

function keyOf(text: string) {
  const read = readSigningKey(text);
  assert.ok('signingKey' in read, JSON.stringify(read));
  return read.signingKey;
}

describe('A key that signs', () => {
  for (const [kind, { pair, algorithms }] of Object.entries(pairs))
    for (const alg of algorithms.filter((name) => name !== 'Ed25519'))
      it(`of the kind ${kind} makes tokens by ${alg} that its public half verifies`, async () => {
        const key = keyOf(privatePem(pair));
        assert.ok(key.algorithms.includes(alg));
        const verified = await verifierFor(publicPem(pair))(
          await signClaims(goodClaims, key, alg),
          now,
        );
        assert.ok('claims' in verified);
        assert.deepEqual(verified.claims, goodClaims);
      });

  it('may be a JWK, whose kid and alg count', async () => {
    const jwk = { ...p256Pair.privateKey.export({ format: 'jwk' }), kid: 'a', alg: 'ES256' };
    const key = keyOf(JSON.stringify(jwk));
    assert.deepEqual([key.kid, key.algorithms], ['a', ['ES256']]);
    const [header = ''] = (await signClaims(goodClaims, key, 'ES256')).split('.');
    assert.deepEqual(JSON.parse(Buffer.from(header, 'base64url').toString()), {
      alg: 'ES256',
      typ: 'JWT',
      kid: 'a',
    });
  });

  it('may be a secret as a JWK', async () => {
    const key = keyOf(JSON.stringify(octJwk(secret)));
    const verified = await verifierFor(secret)(await signClaims(goodClaims, key, 'HS256'), now);
    assert.ok('claims' in verified);
  });

  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const locked = createPrivateKey(privatePem(p256Pair)).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'hunter2',
  });
  for (const [what, text, says] of [
    ['text', 'hunter2', /neither a private key in PEM.* nor a JWK/],
    ['a public PEM', publicPem(p256Pair), /neither a private key/],
    ['a PEM with a password', String(locked), /without a password/],
    ['a public JWK', JSON.stringify(publicJwk(p256Pair)), /is a public key.*give the private one/],
    ['a JWK of no kind', '{"kty":"hunter2"}', /is no RSA/],
    ['an alg of another kind', JSON.stringify(publicJwk(p256Pair, { alg: 'RS256' })), /alg/],
    ['a short secret', JSON.stringify(octJwk('hunter2')), /shorter than 32 bytes/],
    ['a k that is none', '{"kty":"oct","k":"hunter2!"}', /base64url/],
    ['a weak RSA key', privatePem(weak), /less than 2048 bits/],
    ['a d that is none', JSON.stringify(publicJwk(p256Pair, { d: 1 })), /not a valid private key/],
  ] as const)
    it(`is not ${what}, and nothing of it is told`, () => {
      const read = readSigningKey(text);
      assert.ok('problem' in read);
      assert.match(read.problem, says);
      assert.doesNotMatch(read.problem, /hunter2/);
    });
});
