import { createHmac, timingSafeEqual } from 'node:crypto';
import { LONGEST_TOKEN } from '@postern/client/protocol';
import { decodeBase64url, decodeUtf8, parseObject } from './decode.ts';
import type { JsonObject } from './decode.ts';
import type { Purpose, SigningKeys } from './signing-keys.ts';

/** What a token of ours can be for: a key for `cid` signs none. */
export type TokenPurpose = Exclude<Purpose, 'cid'>;

/** Signs claims with the newest key, as a compact JWT (RFC 7519) with HS256. */
export function sealToken(purpose: TokenPurpose, claims: JsonObject, keys: SigningKeys): string {
  const key = keys.keyFor(purpose, keys.newest);
  if (key === undefined) throw new TypeError('The newest kid has no key');

  const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
  const signed = `${headerOf(purpose, keys.newest)}.${payload}`;
  return `${signed}.${signature(signed, key).toString('base64url')}`;
}

/**
 * Opens a token that {@link sealToken} made for this purpose, under any key that is known; `undefined`
 * for everything else. Nothing of a token is read before its signature holds: the header is not parsed,
 * it has to be the very text that would be written for one of the keys.
 */
export function openToken(
  text: string,
  purpose: TokenPurpose,
  keys: SigningKeys,
): { readonly claims: JsonObject; readonly kid: string } | undefined {
  if (text.length > LONGEST_TOKEN) return undefined;
  const [header = '', payload, mac, ...rest] = text.split('.', 4);
  if (payload === undefined || mac === undefined || rest.length > 0) return undefined;

  const kid = keys.kids.find((name) => headerOf(purpose, name) === header);
  const key = kid === undefined ? undefined : keys.keyFor(purpose, kid);
  if (kid === undefined || key === undefined) return undefined;
  if (!isSignature(mac, signature(`${header}.${payload}`, key))) return undefined;

  const claims = claimsOf(payload);
  return claims === undefined ? undefined : { claims, kid };
}

function headerOf(purpose: TokenPurpose, kid: string): string {
  const header = { alg: 'HS256', typ: `postern-${purpose}+jwt`, kid };
  return Buffer.from(JSON.stringify(header)).toString('base64url');
}

function signature(text: string, key: Buffer): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function isSignature(text: string, expected: Buffer): boolean {
  const bytes = decodeBase64url(text);
  return bytes?.length === expected.length && timingSafeEqual(bytes, expected);
}

/** One meaning has one spelling: no member twice, no space, no number that a double cannot hold. */
function claimsOf(payload: string): JsonObject | undefined {
  const bytes = decodeBase64url(payload);
  const text = bytes === undefined ? undefined : decodeUtf8(bytes);
  const claims = text === undefined ? undefined : parseObject(text);
  return claims !== undefined && JSON.stringify(claims) === text ? claims : undefined;
}
