import { createHmac, timingSafeEqual } from 'node:crypto';
import { decodeBase64url } from './decode.ts';
import type { SigningKeys } from './signing-keys.ts';

/** One login of one user: the same for all tabs of a browser. */
export interface Identity {
  /** Who vouches for the user; empty: nobody named. */
  readonly iss: string;
  /** The user. */
  readonly sub: string;
  /** The login; empty: the site does not tell logins apart. */
  readonly sid: string;
}

const CID_BYTES = 16;

/**
 * What a CSRF token calls the auth cookie that it belongs to: the same for the same login, and without
 * the key nobody can tell whose it is. `undefined`: the `kid` is not known.
 */
export function cidOf({ iss, sub, sid }: Identity, kid: string, keys: SigningKeys) {
  const key = keys.keyFor('cid', kid);
  if (key === undefined) return undefined;
  const mac = createHmac('sha256', key);
  for (const part of [iss, sub, sid]) mac.update(withLength(part));
  return mac.digest().subarray(0, CID_BYTES).toString('base64url');
}

/**
 * Whether a CSRF token belongs to the login of an auth cookie. Their keys may differ while a secret is
 * being replaced, so the `cid` is worked out anew under the key of the CSRF token.
 */
export function isBound(
  csrf: { readonly cid: string; readonly kid: string },
  cookie: Identity,
  keys: SigningKeys,
): boolean {
  const expected = decodeBase64url(cidOf(cookie, csrf.kid, keys) ?? '');
  const given = decodeBase64url(csrf.cid);
  if (expected?.length !== CID_BYTES || given?.length !== CID_BYTES) return false;
  return timingSafeEqual(expected, given);
}

/** With its length in front, no end of one part can pass for the beginning of the next. */
function withLength(text: string): Buffer {
  // Not UTF-8: in it all surrogates without a partner are one character, and users could be mixed up.
  const bytes = Buffer.from(text, 'utf16le');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
