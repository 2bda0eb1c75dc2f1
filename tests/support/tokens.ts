import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

import { CompactSign } from 'jose';

import { keepSecret } from './evidence.ts';

/** Set where a gateway is under test that somebody else has started: the secret that it knows. */
export const SECRET_VARIABLE = 'CONFORMANCE_SECRET';

/** A shared secret; ours is just long enough for HS256. */
export const SECRET = process.env[SECRET_VARIABLE] ?? 'thirty-two-bytes-are-long-enough';

/** A part of a token: a value to be written as JSON, or the very text or bytes to be encoded. */
export type Part = Readonly<Record<string, unknown>> | string | Buffer;

/** How a token is signed. */
export interface SignOptions {
  /** {@link SECRET} by default. Text is taken as its UTF-8 bytes. */
  readonly key?: string | Uint8Array | KeyObject;
  /** HS256 by default. */
  readonly alg?: string;
  /** Header members besides `alg`; none by default. */
  readonly header?: Readonly<Record<string, unknown>>;
}

/** A token as jose signs it. No claim is added. */
export async function signToken(
  claims: Part,
  { key = SECRET, alg = 'HS256', header = {} }: SignOptions = {},
): Promise<string> {
  const token = await new CompactSign(toBytes(claims))
    .setProtectedHeader({ ...header, alg })
    .sign(typeof key === 'string' ? Buffer.from(key) : key);
  keepSecret(token);
  return token;
}

/** What a forger writes. */
export interface Forgery {
  /** `{"alg":"HS256"}` by default. */
  readonly header?: Part;
  readonly payload: Part;
  /** The bytes of the signature; the right HMAC-SHA256 by {@link SECRET} by default. */
  readonly signature?: Buffer;
}

/** A token written by hand, such as no library signs. */
export function forgeToken({ header = { alg: 'HS256' }, payload, signature }: Forgery): string {
  const signed = `${encodePart(header)}.${encodePart(payload)}`;
  const mac = signature ?? createHmac('sha256', SECRET).update(signed).digest();
  const token = `${signed}.${mac.toString('base64url')}`;
  keepSecret(token);
  return token;
}

/** A key pair in the forms that configurations come in. */
export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** The public key as PEM (SPKI). */
  readonly pem: string;
  /** The public key as JWK, with `alg` and, where given, `kid`. */
  readonly jwk: Readonly<Record<string, unknown>>;
}

/** Makes keys for one of the asymmetric algorithms of JWS. */
export function keyPair(alg: string, kid?: string): KeyPair {
  const privateKey = makePrivateKey(alg);
  const publicKey = createPublicKey(privateKey);
  const jwk = {
    ...publicKey.export({ format: 'jwk' }),
    alg,
    ...(kid === undefined ? {} : { kid }),
  };
  const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
  return { privateKey, publicKey, pem, jwk };
}

/** UNIX time in whole seconds, `offset` seconds from now. */
export function inSeconds(offset: number): number {
  return Math.floor(Date.now() / 1000) + offset;
}

function makePrivateKey(alg: string): KeyObject {
  if (alg === 'EdDSA') return generateKeyPairSync('ed25519').privateKey;
  if (alg.startsWith('ES')) {
    const namedCurve = `P-${alg === 'ES512' ? '521' : alg.slice(2)}`;
    return generateKeyPairSync('ec', { namedCurve }).privateKey;
  }
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
}

function encodePart(part: Part): string {
  return toBytes(part).toString('base64url');
}

function toBytes(part: Part): Buffer {
  if (Buffer.isBuffer(part)) return part;
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part));
}
