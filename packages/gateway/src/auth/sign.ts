import { createPrivateKey, createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { CompactSign } from 'jose/jws/compact/sign';
import { decodeBase64url, own, parseObject } from './decode.ts';
import type { JsonObject } from './decode.ts';
import { kindOf, SHORTEST_RSA_BITS, SHORTEST_SECRET_BYTES } from './jwk.ts';

/** A key that makes signatures: a secret or a private key. */
export interface SigningKey {
  /** The values of `alg` that it can sign for; the first is the usual one. */
  readonly algorithms: readonly [string, ...string[]];
  /** The `kid` that its tokens name. */
  readonly kid: string | undefined;
  readonly key: KeyObject;
}

/**
 * Reads a private key as PEM or JWK, or a secret as JWK. What is wrong with it is told without
 * anything of what was given.
 */
export function readSigningKey(
  text: string,
): { readonly signingKey: SigningKey } | { readonly problem: string } {
  const jwk = text.includes('-----BEGIN ') ? pemToJwk(text) : parseObject(text.trim());
  if (jwk === undefined)
    return { problem: 'is neither a private key in PEM, without a password, nor a JWK' };
  const kind = kindOf(jwk);
  if (kind === undefined)
    return { problem: 'is no RSA, EC (P-256, P-384, P-521), Ed25519 or oct key' };

  const alg = own(jwk, 'alg');
  const [first, ...others] = kind.algorithms.filter((name) => alg === undefined || name === alg);
  if (first === undefined) return { problem: 'has an alg that its kind of key cannot have' };
  const key = kind.kty === 'oct' ? secretOf(jwk) : privateOf(jwk);
  if (typeof key === 'string') return { problem: key };

  const kid = own(jwk, 'kid');
  const algorithms = [first, ...others] as const;
  return { signingKey: { algorithms, kid: typeof kid === 'string' ? kid : undefined, key } };
}

/** Signs claims as they are, whether they make sense or not. */
export async function signClaims(
  claims: JsonObject,
  { key, kid }: Pick<SigningKey, 'key' | 'kid'>,
  alg: string,
): Promise<string> {
  const header = { alg, typ: 'JWT', ...(kid === undefined ? {} : { kid }) };
  return await new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader(header)
    .sign(key);
}

function pemToJwk(text: string): JsonObject | undefined {
  try {
    return { ...createPrivateKey(text.trim()).export({ format: 'jwk' }) };
  } catch {
    // The cause could quote the key; what is expected says enough.
    return undefined;
  }
}

function secretOf(jwk: JsonObject): KeyObject | string {
  const k = own(jwk, 'k');
  const bytes = typeof k === 'string' ? decodeBase64url(k) : undefined;
  if (bytes === undefined) return 'has a k that is not base64url without padding';
  return bytes.length < SHORTEST_SECRET_BYTES
    ? `is shorter than ${SHORTEST_SECRET_BYTES} bytes: no gateway takes what it signs`
    : createSecretKey(bytes);
}

function privateOf(jwk: JsonObject): KeyObject | string {
  if (own(jwk, 'd') === undefined)
    return 'is a public key, which verifies and cannot sign: give the private one';
  try {
    const key = createPrivateKey({ key: { ...jwk }, format: 'jwk' });
    const { modulusLength = SHORTEST_RSA_BITS } = key.asymmetricKeyDetails ?? {};
    return modulusLength < SHORTEST_RSA_BITS
      ? `is an RSA key of less than ${SHORTEST_RSA_BITS} bits: no gateway takes what it signs`
      : key;
  } catch {
    return 'is not a valid private key';
  }
}
