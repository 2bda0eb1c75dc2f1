import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { loadKeys } from '#gateway/auth/keys.js';
import { GatewayError } from '#gateway/errors.js';
import { fromSecret, refuses, rsaSeen, secretSeen, seen } from './loading.ts';
import { p256Pair, pairs, privatePem, publicJwk, publicPem, rsaPair, secret } from './signing.ts';

/** Self-signed and long over: of a certificate only the key counts. */
const certificate = `-----BEGIN CERTIFICATE-----
MIIBczCCARmgAwIBAgIUaUxGL1FajynSbega4lgCiySAmOIwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAeFw0yNjExMjIwNDI0MDZaFw0yNjExMjMwNDI0MDZa
MA8xDTALBgNVBAMMBHRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQRcl2r
cHjbBlbfyp/Gj6YrNEwgIsIsJRrEimhaQBbNWPPABF6zPeknPHyijhDUGl8hvl3O
VaqKu6+jYOcGDeLGo1MwUTAdBgNVHQ4EFgQUo85fx9X0kB30EX8t7/h9x0RoKHcw
HwYDVR0jBBgwFoAUo85fx9X0kB30EX8t7/h9x0RoKHcwDwYDVR0TAQH/BAUwAwEB
/zAKBggqhkjOPQQDAgNIADBFAiAQmKBZyVteGMZjuO/jf83zwOsrhF6Cd9N+sO07
OE4XogIhANjjjpagONjPzKsk4pV1ACAhbnrcZ6sdc/Z/7ztkTdse
-----END CERTIFICATE-----
`;
const certifiedKey = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEXJdq3B42wZW38qfxo+mKzRMICLC
LCUaxIpoWkAWzVjzwAResz3pJzx8oo4Q1BpfIb5dzlWqiruvo2DnBg3ixg==
-----END PUBLIC KEY-----
`;

describe('a secret as text', () => {
  it('is taken byte for byte', () => {
    assert.deepEqual(seen(fromSecret(secret)), secretSeen);
    assert.equal(seen(fromSecret(` ${secret}\n`))[0]?.bytes, ` ${secret}\n`);
  });

  it('has at least 32 bytes, not characters', () => {
    assert.equal(fromSecret('x'.repeat(32)).length, 1);
    assert.equal(fromSecret('é'.repeat(16)).length, 1);
    refuses({ jwtSecret: 'x'.repeat(31) }, /shorter than 32 bytes/);
    refuses({ jwtSecret: '' }, /shorter than 32 bytes/);
  });

  it('is refused when it was bytes that are not UTF-8', () => {
    const misread = Buffer.alloc(40, 0xff).toString('utf8');
    refuses({ jwtSecret: misread }, /not UTF-8 text.*_BASE64=true/);
  });
});

describe('several public keys as PEM', () => {
  const [one, other] = [publicPem(rsaPair), publicPem(p256Pair)];

  it('are all taken, with words before each', () => {
    const algorithms = fromSecret(`the old one\n${one}the new one\n${other}`).map(
      (key) => key.algorithms[0],
    );
    assert.deepEqual(algorithms, ['RS256', 'ES256']);
  });

  it('are refused when one of them is broken: it must not be left out in silence', () => {
    const broken = other.replace('-----END', 'x-----END');
    refuses({ jwtSecret: one + broken }, /no PEM key that can be read/);
    refuses({ jwtSecret: broken + one }, /no PEM key that can be read/);
  });

  it('are not what a chain of certificates stands for: its first is the issuer’s', () => {
    assert.equal(fromSecret(certificate + certificate).length, 1);
  });
});

describe('a secret in base64', () => {
  it('is decoded from the standard and the URL alphabet, padded with = or . or not at all', () => {
    const bytes = Buffer.from(Array.from({ length: 40 }, (_, index) => 255 - index));
    const standard = bytes.toString('base64');
    for (const text of [
      standard,
      bytes.toString('base64url'),
      standard.replaceAll('=', '.'),
      `  ${standard}\n`,
    ])
      assert.deepEqual(fromSecret(text, true)[0]?.key.export(), bytes);
  });

  it('is refused when it is something else', () => {
    refuses({ jwtSecret: secret, jwtSecretBase64: true }, /not base64.*JWT_SECRET_BASE64/);
    refuses({ jwtSecret: '====', jwtSecretBase64: true }, /not base64/);
  });

  it('has at least 32 bytes once decoded', () => {
    const short = Buffer.alloc(31, 7).toString('base64');
    refuses({ jwtSecret: short, jwtSecretBase64: true }, /shorter than 32 bytes/);
  });

  it('may hold a JWK or PEM, which is then no secret', () => {
    for (const text of [JSON.stringify(publicJwk(rsaPair)), publicPem(rsaPair)]) {
      const inBase64 = Buffer.from(text).toString('base64');
      assert.deepEqual(seen(fromSecret(inBase64, true)), rsaSeen);
      assert.deepEqual(seen(fromSecret(text, true)), rsaSeen);
    }
  });

  it('may begin with any byte', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 31, maxLength: 64 }), (tail) => {
        const bytes = Buffer.concat([Buffer.from([0x7b, 0xff]), tail]);
        assert.deepEqual(fromSecret(bytes.toString('base64'), true)[0]?.key.export(), bytes);
      }),
    );
  });
});

describe('PEM', () => {
  for (const [name, { pair, algorithms }] of Object.entries(pairs))
    it(`gives the public key of ${name}, of a private key too`, () => {
      const expected = [{ kid: undefined, algorithms, type: 'public', bytes: publicPem(pair) }];
      assert.deepEqual(seen(fromSecret(publicPem(pair))), expected);
      assert.deepEqual(seen(fromSecret(privatePem(pair))), expected);
    });

  it('may be a certificate, with a description before it', () => {
    for (const text of [certificate, `subject=CN = test\n${certificate}`])
      assert.equal(seen(fromSecret(text))[0]?.bytes, certifiedKey);
  });

  it('is never taken for an HMAC secret, however it is damaged or introduced', () => {
    const pem = publicPem(rsaPair);
    for (const text of [`Bag Attributes\n${pem}`, ` ${pem}`, `\uFEFF${pem}`])
      assert.deepEqual(seen(fromSecret(text)), rsaSeen);
    for (const text of [pem.slice(0, 200), pem.replaceAll('\n', '\\n'), pem.replace('MII', 'xxx')])
      refuses({ jwtSecret: text }, /real line breaks, or @path/);
  });

  it('is refused when it is weak, locked, or for something else', () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
    refuses({ jwtSecret: publicPem(weak) }, /less than 2048 bits/);

    const locked = rsaPair.privateKey
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open' })
      .toString();
    refuses({ jwtSecret: locked }, /no PEM key that can be read/);

    const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 });
    refuses({ jwtSecret: publicPem(pss) }, /no PEM key that can be read/);
    for (const pair of [
      generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
      generateKeyPairSync('x25519'),
      generateKeyPairSync('ed448'),
    ])
      refuses({ jwtSecret: publicPem(pair) }, /no key that verifies/);
  });
});

describe('loadKeys', () => {
  it('names both options when neither is set', () => {
    refuses({}, /POSTERN_JWT_SECRET .*POSTERN_JWKS/);
  });

  it('either gives keys or throws the one error, whatever it is given', () => {
    const text = fc.oneof(fc.string(), fc.json(), fc.base64String());
    fc.assert(
      fc.property(text, fc.boolean(), (jwtSecret, jwtSecretBase64) => {
        try {
          assert.ok(loadKeys({ jwtSecret, jwtSecretBase64 }).length > 0);
        } catch (error) {
          assert.ok(error instanceof GatewayError && error.code === 'POSTERN_KEYS');
        }
      }),
    );
  });
});
