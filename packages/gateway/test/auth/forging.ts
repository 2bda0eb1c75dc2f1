import { createHmac, hkdfSync } from 'node:crypto';

/** The secrets that the tests sign with: `old` was in use before `new`. */
export const newSecret = { kid: 'new', secret: Buffer.alloc(32, 1) };
export const oldSecret = { kid: 'old', secret: Buffer.alloc(32, 2) };

/** A key, derived by hand. */
export function keyOf(purpose: string, { secret } = newSecret): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, 'postern/v1', purpose, 32));
}

/** The header that belongs to a token, as text. */
export function headerText(slot: string, kid = 'new'): string {
  return `{"alg":"HS256","typ":"postern-${slot}+jwt","kid":"${kid}"}`;
}

/** Puts a token together from any texts, and signs it truly with the key that is given. */
export function forge(header: string, payload: string, key: Buffer): string {
  const signed = `${encoded(header)}.${encoded(payload)}`;
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}

export function encoded(text: string | Buffer): string {
  return Buffer.from(text).toString('base64url');
}

/** The parts of a token, decoded. */
export function parts(token: string): { header: string; payload: string; mac: Buffer } {
  const [header = '', payload = '', mac = ''] = token.split('.');
  const decode = (text: string) => Buffer.from(text, 'base64url');
  return { header: String(decode(header)), payload: String(decode(payload)), mac: decode(mac) };
}
