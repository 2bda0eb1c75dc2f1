import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';

import { failOnLeaks } from '../../support/leaks.ts';
import { keyPair, SECRET, signToken } from '../../support/tokens.ts';
import type { SignOptions } from '../../support/tokens.ts';
import { describeOn } from '../suites.ts';
import { startTargets } from '../targets.ts';
import type { Target } from '../targets.ts';

const HMAC = ['HS256', 'HS384', 'HS512'];
const RSA = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
const CURVES = ['ES256', 'ES384', 'ES512', 'EdDSA'];

const bytes = randomBytes(48);
const pairs = new Map([...RSA, ...CURVES].map((alg) => [alg, keyPair(alg, `key-${alg}`)]));
const pem = keyPair('RS256');

const secretJwk = { kty: 'oct', k: bytes.toString('base64url'), kid: 'shared' };
const set = { keys: [secretJwk, ...[...pairs.values()].map(({ jwk }) => jwk)] };

/** What verifies tokens, and how tokens are signed that it lets in and that it does not. */
interface KeyForm {
  readonly secret: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly good: readonly SignOptions[];
  readonly bad: readonly SignOptions[];
}

const forms: Readonly<Record<string, KeyForm>> = {
  'a secret as text': {
    secret: SECRET,
    good: HMAC.map((alg) => ({ alg })),
    bad: [{ key: bytes }, ...CURVES.map(signedBy)],
  },
  'a secret in base64': {
    secret: bytes.toString('base64'),
    environment: { POSTERN_JWT_SECRET_BASE64: 'true' },
    good: HMAC.map((alg) => ({ alg, key: bytes })),
    bad: [{ key: bytes.toString('base64') }],
  },
  'a JWK': {
    secret: JSON.stringify({ ...secretJwk, alg: 'HS384' }),
    good: [{ alg: 'HS384', key: bytes }],
    bad: [{ alg: 'HS256', key: bytes }, { alg: 'HS384' }],
  },
  'a public key in PEM': {
    secret: pem.pem,
    good: RSA.map((alg) => ({ alg, key: pem.privateKey })),
    // The classic confusion: what everybody may know, taken for a secret.
    bad: [{ alg: 'HS256', key: pem.pem }, { alg: 'HS256', key: pem.pem.trim() }, signedBy('RS256')],
  },
  'a set of JWKs': {
    secret: JSON.stringify(set),
    good: [
      ...[...RSA, ...CURVES].flatMap((alg) => [signedBy(alg), withKid(alg, `key-${alg}`)]),
      { alg: 'HS256', key: bytes, header: { kid: 'shared' } },
    ],
    bad: [
      withKid('RS256', 'key-RS384'),
      withKid('ES256', 'unknown'),
      { alg: 'HS256', key: JSON.stringify(set) },
      { alg: 'HS256', header: { kid: 'shared' } },
    ],
  },
};

failOnLeaks();

// One form after the other: all targets of all forms at once are more than two cores start in good time.
const started: [KeyForm, string, readonly Target[]][] = [];
for (const [what, form] of Object.entries(forms)) {
  const { secret, environment = {} } = form;
  started.push([form, what, await startTargets({ secret, environment })]);
}

for (const [{ good, bad }, what, targets] of started) {
  for (const target of targets) {
    const answerTo = async (signing: SignOptions) => {
      const token = await signToken({ mode: 'r', channel: 'chat' }, signing);
      return target.handshake({ target: `/${token}` });
    };

    describeOn(target, `with ${what}`, () => {
      for (const signing of good) {
        it(`lets in ${describeSigning(signing)}`, async () => {
          assert.equal((await answerTo(signing)).status, 101);
        });
      }
      for (const signing of bad) {
        it(`refuses ${describeSigning(signing)} by another key`, async () => {
          const { status, body } = await answerTo(signing);
          assert.deepEqual([status, body], [400, 'Error: JWSError JWSInvalidSignature']);
        });
      }
    });
  }
}

function signedBy(alg: string): SignOptions {
  const pair = pairs.get(alg);
  assert(pair !== undefined);
  return { alg, key: pair.privateKey };
}

function withKid(alg: string, kid: string): SignOptions {
  return { ...signedBy(alg), header: { kid } };
}

function describeSigning({ alg = 'HS256', header }: SignOptions): string {
  return header === undefined ? alg : `${alg} with ${JSON.stringify(header)}`;
}
