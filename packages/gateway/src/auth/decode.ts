/**
 * Strict decoders: each returns the value, or `undefined` where Node's own would guess. None throws,
 * because `JSON.parse` quotes its input in the error, and the input here is a token or a key.
 */

/** An object that came from JSON. Read it with {@link own}. */
export type JsonObject = Readonly<Record<string, unknown>>;

// A byte order mark is kept, so that JSON.parse refuses it: two spellings of one text are one too many.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Decodes UTF-8; `undefined` when a byte sequence is invalid. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * Decodes base64url without padding (RFC 7515 §2) in its one canonical spelling. Node skips what is
 * not in the alphabet and ignores the unused bits of the last character, so that many texts would
 * stand for the same bytes.
 */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}

/**
 * Decodes base64 as people paste it: standard or URL alphabet, `=`, `.` or nothing as padding, space
 * around it.
 */
export function decodeBase64(text: string): Buffer | undefined {
  const digits = text.trim().replace(/[=.]{1,2}$/, '');
  return decodeBase64url(digits.replaceAll('+', '-').replaceAll('/', '_'));
}

/** Parses a JSON object; `undefined` for any other JSON and for what is not JSON. */
export function parseObject(text: string): JsonObject | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** A parsed JSON value as an object; `undefined` for a list, a text, a number, a truth value, null. */
export function asObject(value: unknown): JsonObject | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? { ...value } : undefined;
}

/** A member of the object itself: what a prototype holds is never taken for a claim or a header. */
export function own(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
