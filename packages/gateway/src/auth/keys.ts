import { createPublicKey } from 'node:crypto';
import { asObject, decodeBase64, decodeUtf8, own, parseObject } from './decode.ts';
import type { JsonObject } from './decode.ts';
import { keyError, readJwk, secretKey } from './jwk.ts';
import type { VerificationKey } from './jwk.ts';
import { jwksUrl } from './jwks.ts';

export type { VerificationKey } from './jwk.ts';

const SECRET = 'POSTERN_JWT_SECRET (PGWS_JWT_SECRET)';
const JWKS = 'POSTERN_JWKS';

/** Where keys come from: the texts themselves; files are read by now. */
export interface KeySources {
  /**
   * An HMAC secret of at least 32 bytes, exactly as given; or, told by its content, PEM public keys, any
   * other PEM key or a certificate (the first, when there are more), a JWK, or a JWK set.
   */
  readonly jwtSecret?: string | undefined;
  /** Whether an HMAC secret is given in base64. A JWK or PEM may be, too. */
  readonly jwtSecretBase64: boolean;
  /** A JWK set, or one JWK, as JSON; or the https URL of a set, which has no keys yet. */
  readonly jwks?: string | undefined;
}

/**
 * Loads the keys that verify tokens; an empty list only where they are yet to be fetched. Two keys may
 * share a `kid`, as when both options name the same key: all are trusted alike, and each that fits is
 * tried. Throws a {@link GatewayError} `POSTERN_KEYS` that names the option and the mend, never a value.
 */
export function loadKeys({
  jwtSecret,
  jwtSecretBase64,
  jwks,
}: KeySources): readonly VerificationKey[] {
  if (jwtSecret === undefined && jwks === undefined) {
    throw keyError(
      `neither ${SECRET} nor ${JWKS}`,
      'is set: give one of them the key that verifies your tokens, or @path of its file',
    );
  }
  return [
    ...(jwtSecret === undefined ? [] : secretOptionKeys(jwtSecret, jwtSecretBase64)),
    ...(jwks === undefined || jwksUrl(jwks) !== undefined ? [] : jsonKeys(jwks, JWKS)),
  ];
}

function secretOptionKeys(text: string, isBase64: boolean): readonly VerificationKey[] {
  const written = writtenKeys(text);
  if (written !== undefined) return written;
  if (!isBase64) return [textSecret(text)];

  const bytes = decodeBase64(text);
  if (bytes === undefined) {
    throw keyError(
      SECRET,
      'is not base64: mend it, or unset POSTERN_JWT_SECRET_BASE64 (PGWS_JWT_SECRET_BASE64)',
    );
  }
  // postgres-websockets looks for a JWK after decoding, so base64 of one is in use.
  return writtenKeys(decodeUtf8(bytes) ?? '') ?? [secretKey(bytes, SECRET)];
}

/**
 * The keys of a text that is a key document; `undefined` when it can only be a secret. A broken
 * document is an error: taken for an HMAC secret, a public key would let anybody sign.
 */
function writtenKeys(text: string): readonly VerificationKey[] | undefined {
  if (text.trimStart().startsWith('{')) return jsonKeys(text, SECRET);
  if (text.includes('-----BEGIN '))
    return usable(
      pemKeys(text).map((pem) => readJwk(pemToJwk(pem), SECRET)),
      SECRET,
    );
  return undefined;
}

function textSecret(text: string): VerificationKey {
  // What a decoder puts in place of bytes that are not UTF-8: the secret is lost by now.
  if (text.includes('\uFFFD')) {
    throw keyError(
      SECRET,
      'is not UTF-8 text: give its bytes in base64, and set POSTERN_JWT_SECRET_BASE64=true',
    );
  }
  return secretKey(Buffer.from(text), SECRET);
}

function jsonKeys(text: string, option: string): readonly VerificationKey[] {
  const document = parseObject(text.trim());
  if (document === undefined)
    throw keyError(option, 'is not a JSON object: give a JWK or a JWK set (RFC 7517)');
  if (!Object.hasOwn(document, 'keys')) return [loneKey(document, option)];

  const members = own(document, 'keys');
  if (!Array.isArray(members)) throw keyError(option, 'has keys that are not a list');
  return usable(
    members.map((member, index) => readMember(member, `${option}, key ${index + 1},`)),
    option,
  );
}

/** A key that stands alone need not be selected: its `kid` leaves no token out. */
function loneKey(document: JsonObject, option: string): VerificationKey {
  const [key] = usable([readJwk(document, option)], option);
  return { ...key, kid: undefined };
}

function readMember(member: unknown, where: string): VerificationKey | undefined {
  const jwk = asObject(member);
  if (jwk === undefined) throw keyError(where, 'is not a JSON object');
  return readJwk(jwk, where);
}

/**
 * Public keys are taken one by one. In a chain of certificates only the first is whose key is meant, so
 * that any other text is one key.
 */
function pemKeys(text: string): readonly string[] {
  const blocks = text.split(/(?=-----BEGIN )/).filter((block) => block.startsWith('-----BEGIN '));
  return blocks.every((block) => /^-----BEGIN (?:RSA )?PUBLIC KEY-----/.test(block))
    ? blocks
    : [text];
}

/** Of a private key or a certificate, the public key. An encrypted private key cannot be read. */
function pemToJwk(text: string): JsonObject {
  try {
    return { ...createPublicKey(text.trim()).export({ format: 'jwk' }) };
  } catch (cause) {
    throw keyError(
      SECRET,
      'is no PEM key that can be read: give the whole public key or certificate, with real line breaks, or @path of its file',
      { cause },
    );
  }
}

function usable(
  keys: readonly (VerificationKey | undefined)[],
  option: string,
): readonly [VerificationKey, ...VerificationKey[]] {
  const [first, ...others] = keys.filter((key) => key !== undefined);
  if (first !== undefined) return [first, ...others];
  throw keyError(
    option,
    'has no key that verifies signatures: give an RSA, EC (P-256, P-384, P-521), Ed25519 or oct key, without a use, key_ops or alg for something else',
  );
}
