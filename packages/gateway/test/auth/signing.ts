import { constants, createHmac, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { KeyRing } from '#gateway/auth/key-ring.js';
import type { KeySources } from '#gateway/auth/keys.js';
import { createVerifier } from '#gateway/auth/verify.js';
import type { VerifierOptions, Verify } from '#gateway/auth/verify.js';

/** When the tests take place, in UNIX seconds: nothing here reads a clock. */
export const now = 1_800_000_000;

/** An HMAC secret that is long enough. */
export const secret = 'correct horse battery staple, and then some';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' });
const ed25519 = generateKeyPairSync('ed25519');

/** A private key and its public half. */
export type KeyPair = { readonly privateKey: KeyObject; readonly publicKey: KeyObject };

/** A pair of each kind of asymmetric key that verifies, and the algorithms it is for. */
export const pairs: Readonly<Record<string, { pair: KeyPair; algorithms: readonly string[] }>> = {
  RSA: { pair: rsa, algorithms: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] },
  'P-256': { pair: p256, algorithms: ['ES256'] },
  'P-384': { pair: p384, algorithms: ['ES384'] },
  'P-521': { pair: p521, algorithms: ['ES512'] },
  Ed25519: { pair: ed25519, algorithms: ['EdDSA', 'Ed25519'] },
};

export const rsaPair: KeyPair = rsa;
export const p256Pair: KeyPair = p256;

/** The public half as SPKI PEM. */
export function publicPem(pair: KeyPair): string {
  return pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
}

/** The private half as PKCS #8 PEM, as someone pastes by mistake. */
export function privatePem(pair: KeyPair): string {
  return pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** The public half as a JWK, with more members. */
export function publicJwk(pair: KeyPair, more: object = {}): object {
  return { ...pair.publicKey.export({ format: 'jwk' }), ...more };
}

/** The text as an `oct` JWK, with more members. */
export function octJwk(text: string, more: object = {}): object {
  return { kty: 'oct', k: base64url(text), ...more };
}

export const base64url = (content: string | Uint8Array) =>
  Buffer.from(content).toString('base64url');

/** A token is made of texts, so that a test can also spell what no JSON serializer would. */
interface Parts {
  readonly algorithm?: string;
  readonly key?: KeyObject | string;
  /** Header members beside `alg`, or a whole header as text. */
  readonly header?: object | string;
  /** Claims, or a whole payload as text or bytes. */
  readonly claims?: object | string | Uint8Array;
}

/** Signs a token with `node:crypto`, where the verifier uses Web Crypto for all but HMACs. HS256 unless said. */
export function signToken({
  algorithm = 'HS256',
  key = secret,
  header,
  claims,
}: Parts = {}): string {
  const content = [
    typeof header === 'string' ? header : JSON.stringify({ alg: algorithm, ...header }),
    typeof claims === 'string' || claims instanceof Uint8Array
      ? claims
      : JSON.stringify(claims ?? goodClaims),
  ];
  const input = content.map(base64url).join('.');
  return `${input}.${base64url(signature(algorithm, key, Buffer.from(input)))}`;
}

/** Claims with which nothing is wrong. */
export const goodClaims = { mode: 'rw', channel: 'chat', exp: now + 60 };

function signature(algorithm: string, key: KeyObject | string, input: Buffer): Buffer {
  const family = algorithm.slice(0, 2);
  const bits = Number(algorithm.slice(2));
  const hash = `sha${bits}`;
  if (family === 'HS') return createHmac(hash, key).update(input).digest();
  if (typeof key === 'string') throw new TypeError('Text signs with HMAC only');

  if (family === 'RS') return signBytes(hash, input, key);
  if (family === 'ES') return signBytes(hash, input, { key, dsaEncoding: 'ieee-p1363' });
  if (family === 'PS') {
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    return signBytes(hash, input, { key, padding, saltLength: bits / 8 });
  }
  return signBytes(undefined, input, key);
}

/** Keys that are all there. */
export function given(sources: Partial<KeySources>): KeyRing {
  return new KeyRing({ jwtSecretBase64: false, ...sources }, { log: () => undefined });
}

/** A verifier with rules that ask for nothing, but for what is given. Keys: the secret. */
export function verifierWith(options: Partial<VerifierOptions> = {}): Verify {
  return createVerifier({
    source: given({ jwtSecret: secret }),
    audiences: [],
    issuers: [],
    types: [],
    requireExp: false,
    requireClaims: [],
    expLeewaySeconds: 0,
    clockLeewaySeconds: 0,
    ...options,
  });
}

/** A verifier with the key that this text stands for. */
export function verifierFor(jwtSecret: string): Verify {
  return verifierWith({ source: given({ jwtSecret }) });
}

/** A verifier with the keys of a set. */
export function verifierForSet(...keys: readonly object[]): Verify {
  return verifierWith({ source: given({ jwks: JSON.stringify({ keys }) }) });
}
