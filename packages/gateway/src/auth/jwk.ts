import { createPublicKey, createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { GatewayError } from '../errors.ts';
import { decodeBase64url, own } from './decode.ts';
import type { JsonObject } from './decode.ts';

/** A key and what it may verify: the algorithms come from the key, never from a token. */
export interface VerificationKey {
  /** Key ID; `undefined`: it is tried with tokens of any `kid`. */
  readonly kid: string | undefined;
  /** The values of `alg` that it verifies. */
  readonly algorithms: readonly string[];
  /** A secret or a public key, never a private one. */
  readonly key: KeyObject;
}

/** RFC 7518 §3.2: as long as the hash, and the shortest hash has 256 bits. */
export const SHORTEST_SECRET_BYTES = 32;
/** RFC 7518 §3.3. */
export const SHORTEST_RSA_BITS = 2048;

const hmac = ['HS256', 'HS384', 'HS512'];
const rsa = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
// RFC 9864 names the curve where RFC 8037 named the family.
const ed25519 = ['EdDSA', 'Ed25519'];

interface Kind {
  readonly kty: string;
  readonly crv?: string;
  /** The members that are the key. What else it holds, such as its private half, is not read. */
  readonly members: readonly string[];
  readonly algorithms: readonly string[];
}

/** The kinds of key that verify signatures (RFC 7518 §6, RFC 8037 §2). */
const kinds: readonly Kind[] = [
  { kty: 'oct', members: ['k'], algorithms: hmac },
  { kty: 'RSA', members: ['kty', 'n', 'e'], algorithms: rsa },
  { kty: 'EC', crv: 'P-256', members: ['kty', 'crv', 'x', 'y'], algorithms: ['ES256'] },
  { kty: 'EC', crv: 'P-384', members: ['kty', 'crv', 'x', 'y'], algorithms: ['ES384'] },
  { kty: 'EC', crv: 'P-521', members: ['kty', 'crv', 'x', 'y'], algorithms: ['ES512'] },
  { kty: 'OKP', crv: 'Ed25519', members: ['kty', 'crv', 'x'], algorithms: ed25519 },
];

/** What a published key can verify: for any other algorithm there is nothing to fetch. */
export const publishedAlgorithms: ReadonlySet<string> = new Set(
  kinds.filter(({ kty }) => kty !== 'oct').flatMap(({ algorithms }) => algorithms),
);

/**
 * Reads a JSON Web Key (RFC 7517). `undefined`: a key for something else, which a set may well hold
 * (§5). Throws a {@link GatewayError} for one that is broken or too weak; `where` says in it which
 * key that is.
 */
export function readJwk(jwk: JsonObject, where: string): VerificationKey | undefined {
  const kind = kindOf(jwk);
  if (kind === undefined || !isForVerifying(jwk)) return undefined;

  const alg = own(jwk, 'alg');
  const algorithms = kind.algorithms.filter((name) => alg === undefined || alg === name);
  if (algorithms.length === 0) return undefined;

  const kid = own(jwk, 'kid');
  if (kid !== undefined && typeof kid !== 'string')
    throw keyError(where, 'has a kid that is not text');
  return { kid, algorithms, key: importJwk(jwk, kind, where) };
}

/** The kind of key that a JWK says it is; `undefined` for one that signs nothing. */
export function kindOf(jwk: JsonObject): Kind | undefined {
  return kinds.find(
    ({ kty, crv }) => kty === own(jwk, 'kty') && (crv === undefined || crv === own(jwk, 'crv')),
  );
}

/** Makes the key of an HMAC secret. Throws a {@link GatewayError} when it is too short. */
export function secretKey(bytes: Uint8Array, where: string): VerificationKey {
  return { kid: undefined, algorithms: hmac, key: importSecret(bytes, where) };
}

/**
 * The error for keys that cannot be used: `where` names the option, `found` what is wrong with it and
 * how to mend it. Neither ever holds a value.
 */
export function keyError(where: string, found: string, options?: ErrorOptions): GatewayError {
  return new GatewayError('POSTERN_KEYS', { ...options, detail: `${where} ${found}` });
}

function isForVerifying(jwk: JsonObject): boolean {
  const use = own(jwk, 'use') ?? 'sig';
  const operations = own(jwk, 'key_ops') ?? ['verify'];
  return use === 'sig' && Array.isArray(operations) && operations.includes('verify');
}

function importJwk(jwk: JsonObject, { kty, members }: Kind, where: string): KeyObject {
  const texts: Record<string, string> = {};
  for (const name of members) {
    const value = own(jwk, name);
    if (typeof value !== 'string') throw keyError(where, `has no text as its ${name}`);
    texts[name] = value;
  }
  if (kty !== 'oct') return importPublic(texts, where);

  const bytes = decodeBase64url(texts['k'] ?? '');
  if (bytes === undefined) throw keyError(where, 'has a k that is not base64url without padding');
  return importSecret(bytes, where);
}

function importSecret(bytes: Uint8Array, where: string): KeyObject {
  if (bytes.length < SHORTEST_SECRET_BYTES) {
    throw keyError(
      where,
      `is shorter than ${SHORTEST_SECRET_BYTES} bytes, so it can be guessed: use a longer secret, here and where tokens are issued`,
    );
  }
  return createSecretKey(bytes);
}

function importPublic(jwk: Readonly<Record<string, string>>, where: string): KeyObject {
  const key = publicKey(jwk, where);
  const { modulusLength = SHORTEST_RSA_BITS } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < SHORTEST_RSA_BITS) {
    throw keyError(
      where,
      `is an RSA key of less than ${SHORTEST_RSA_BITS} bits: use a longer one, here and where tokens are issued`,
    );
  }
  return key;
}

function publicKey(jwk: Readonly<Record<string, string>>, where: string): KeyObject {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch (cause) {
    throw keyError(where, 'is not a valid key: copy it again from where tokens are issued', {
      cause,
    });
  }
}

/** Whether two lists hold the same keys, for the same uses, in the same order. */
export function areSameKeys(
  some: readonly VerificationKey[],
  others: readonly VerificationKey[],
): boolean {
  return isDeepStrictEqual(some.map(contents), others.map(contents));
}

function contents({ kid, algorithms, key }: VerificationKey): unknown {
  return [kid, algorithms, key.export({ format: 'jwk' })];
}
