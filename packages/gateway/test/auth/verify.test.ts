import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compactVerify, CompactSign, errors } from 'jose';
import { tokenProblems } from '#gateway/auth/problems.js';
import {
  goodClaims,
  now,
  octJwk,
  p256Pair,
  pairs,
  publicJwk,
  publicPem,
  rsaPair,
  secret,
  signToken,
  verifierFor,
  verifierForSet,
  verifierWith,
} from './signing.ts';
import type { KeySource } from '#gateway/auth/verify.js';

const good = { claims: goodClaims, expiresAt: goodClaims.exp };
const badSignature = { problem: tokenProblems.badSignature };
const other = 'another secret that is also long enough';

describe('a token with a good signature', () => {
  for (const algorithm of ['HS256', 'HS384', 'HS512'])
    it(`passes with ${algorithm} and the secret`, async () => {
      assert.deepEqual(await verifierFor(secret)(signToken({ algorithm }), now), good);
    });

  it('of an HMAC is one to jose, too, and no other signature is one to either', async () => {
    const key = Buffer.from(secret);
    const byJose = (token: string): Promise<boolean> =>
      compactVerify(token, key).then(
        () => true,
        (error: unknown) => {
          if (error instanceof errors.JWSSignatureVerificationFailed) return false;
          throw error;
        },
      );
    const anything = fc.record({
      algorithm: fc.constantFrom('HS256', 'HS384', 'HS512'),
      sub: fc.string(),
      at: fc.nat(63),
      // As it was, half the time.
      mask: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 255 })),
      length: fc.oneof(fc.constant(64), fc.integer({ min: 1, max: 64 })),
    });
    await fc.assert(
      fc.asyncProperty(anything, async ({ algorithm, sub, at, mask, length }) => {
        const token = await new CompactSign(Buffer.from(JSON.stringify({ sub })))
          .setProtectedHeader({ alg: algorithm })
          .sign(key);
        const end = token.lastIndexOf('.') + 1;
        const signature = Buffer.from(token.slice(end), 'base64url').subarray(0, length);
        signature[at % signature.length] = (signature[at % signature.length] ?? 0) ^ mask;
        const other = token.slice(0, end) + signature.toString('base64url');
        const verified = await verifierFor(secret)(other, now);
        assert.equal('claims' in verified, await byJose(other));
        assert.equal('claims' in verified, other === token);
      }),
    );
  });

  for (const { pair, algorithms } of Object.values(pairs))
    for (const algorithm of algorithms)
      it(`passes with ${algorithm} and its key as PEM and as JWK`, async () => {
        const token = signToken({ algorithm, key: pair.privateKey });
        assert.deepEqual(await verifierFor(publicPem(pair))(token, now), good);
        assert.deepEqual(await verifierForSet(publicJwk(pair))(token, now), good);
      });

  it('gives its claims as they are, and its exp with the fraction', async () => {
    const claims = { sub: 'ada', exp: now + 0.25, nested: { list: [1, null, 'é'] } };
    assert.deepEqual(await verifierWith()(signToken({ claims }), now), {
      claims,
      expiresAt: now + 0.25,
    });
  });

  it('gives any claims as they are', async () => {
    const anyClaims = fc
      .dictionary(fc.string(), fc.jsonValue())
      .filter((claims) => !['exp', 'nbf', 'iat'].some((name) => Object.hasOwn(claims, name)));
    await fc.assert(
      fc.asyncProperty(anyClaims, async (claims) => {
        const payload = JSON.stringify(claims);
        const verified = await verifierWith()(signToken({ claims: payload }), now);
        assert.deepEqual(verified, { claims: JSON.parse(payload), expiresAt: undefined });
      }),
    );
  });

  it('never expires when it has no exp and need not have one', async () => {
    const verified = await verifierWith()(signToken({ claims: {} }), now);
    assert.deepEqual(verified, { claims: {}, expiresAt: undefined });
  });

  it('may have an empty or unknown header member beside alg', async () => {
    const header = { typ: 'JWT', cty: 'x', zip: 'DEF', b64: true, '': 1 };
    assert.deepEqual(await verifierWith()(signToken({ header }), now), good);
  });
});

describe('an algorithm', () => {
  it('is allowed by the key alone', async () => {
    const narrowed = verifierForSet(octJwk(secret, { alg: 'HS512' }));
    assert.deepEqual(await narrowed(signToken({ algorithm: 'HS512' }), now), good);
    assert.deepEqual(await narrowed(signToken({ algorithm: 'HS256' }), now), badSignature);
  });

  for (const { pair, algorithms } of Object.values(pairs))
    it(`of another kind of key is refused: ${algorithms.join(', ')}`, async () => {
      const [algorithm = ''] = algorithms;
      const token = signToken({ algorithm, key: pair.privateKey });
      assert.deepEqual(await verifierFor(secret)(token, now), badSignature);
      assert.deepEqual(await verifierFor(publicPem(pair))(signToken(), now), badSignature);
    });
});

describe('kid', () => {
  const keyed = (kid: string | undefined, key: string) => signToken({ header: { kid }, key });
  const verify = verifierForSet(
    octJwk(secret, { kid: 'a' }),
    octJwk(other, { kid: 'b' }),
    publicJwk(p256Pair, { kid: 'c' }),
  );

  it('selects the key of a set', async () => {
    assert.deepEqual(await verify(keyed('a', secret), now), good);
    assert.deepEqual(await verify(keyed('b', other), now), good);
    const ecToken = signToken({
      algorithm: 'ES256',
      key: p256Pair.privateKey,
      header: { kid: 'c' },
    });
    assert.deepEqual(await verify(ecToken, now), good);
  });

  it('that names another key, or none, is refused', async () => {
    assert.deepEqual(await verify(keyed('b', secret), now), badSignature);
    assert.deepEqual(await verify(keyed('c', secret), now), badSignature);
    assert.deepEqual(await verify(keyed('A', secret), now), badSignature);
    assert.deepEqual(await verify(keyed('', secret), now), badSignature);
  });

  it('may be absent: then every key that fits is tried', async () => {
    assert.deepEqual(await verify(keyed(undefined, other), now), good);
    assert.deepEqual(await verify(keyed(undefined, `${other}!`), now), badSignature);
  });

  it('does not matter to a key without one', async () => {
    assert.deepEqual(await verifierFor(secret)(keyed('whatever', secret), now), good);
  });

  it('does not matter to a JWK that stands alone: there is nothing to select', async () => {
    const alone = verifierFor(JSON.stringify(octJwk(secret, { kid: 'a' })));
    assert.deepEqual(await alone(keyed('b', secret), now), good);
    assert.deepEqual(await alone(keyed('b', other), now), badSignature);
  });

  it('may be shared: then each of its keys is tried', async () => {
    const shared = verifierForSet(octJwk(other, { kid: 'a' }), octJwk(secret, { kid: 'a' }));
    assert.deepEqual(await shared(keyed('a', secret), now), good);
  });
});

describe('a token that does not hold', () => {
  it('tells who it was made for when it is signed, and only then', async () => {
    const claims = { ...goodClaims, exp: now };
    const verify = verifierFor(secret);
    assert.deepEqual(await verify(signToken({ claims }), now), {
      problem: tokenProblems.expired,
      signed: claims,
    });
    assert.deepEqual(await verify(signToken({ claims, key: other }), now), badSignature);
    assert.deepEqual(await verify(`${signToken({ claims })}A`, now), badSignature);
  });
});

describe('a verifier', () => {
  it('rejects when a bug surfaces, instead of calling the token invalid', async () => {
    const mixedUp = {
      kid: undefined,
      algorithms: ['RS256'],
      key: createSecretKey(Buffer.alloc(32)),
    };
    const token = signToken({ algorithm: 'RS256', key: rsaPair.privateKey });
    await assert.rejects(verifierWith({ source: fixed([mixedUp]) })(token, now), TypeError);
  });

  it('rejects when a public key stands where a secret should, and makes no HMAC of it', async () => {
    const mixedUp = { kid: undefined, algorithms: ['HS256'], key: rsaPair.publicKey };
    const token = signToken({ key: publicPem(rsaPair) });
    await assert.rejects(verifierWith({ source: fixed([mixedUp]) })(token, now), TypeError);
  });

  it('keeps secrets apart: what one has signed, no other verifies', async () => {
    const verifiers = [secret, other, secret].map(verifierFor);
    const verdicts = verifiers.map((verify) => verify(signToken({}), now));
    assert.deepEqual(await Promise.all(verdicts), [good, badSignature, good]);
  });

  it('refuses everything when it has no key', async () => {
    assert.deepEqual(await verifierWith({ source: fixed([]) })(signToken(), now), badSignature);
  });
});

/** A source with these keys and no others anywhere. */
function fixed(keys: KeySource['keys']): KeySource {
  return { keys, lookUp: () => Promise.resolve('done') };
}
