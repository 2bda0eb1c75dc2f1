/** What the path of a raw connection says. */
export interface PathCredential {
  /** `undefined`: the path names no channel. The empty name (`//<token>`) is one nobody is granted. */
  readonly channel: string | undefined;
  /** May be empty, as in `/` and `/chat/`; it is verified as it stands, without decoding. */
  readonly token: string;
}

/**
 * Reads `/<channel>/<token>` or `/<token>`, the path of the raw protocol: the request target before
 * `?`, as Node has it (one character per byte). What follows the token is ignored. `undefined` when
 * it is no path, or the channel is not valid percent-encoded UTF-8.
 */
export function pathCredential(path: string): PathCredential | undefined {
  // The root is empty, and anything else means a target in another form (RFC 9112 §3.2).
  const [root, first, second] = path.split('/', 3);
  if (root !== '' || first === undefined) return undefined;
  if (second === undefined) return { channel: undefined, token: first };

  const channel = decodeChannel(first);
  return channel === undefined ? undefined : { channel, token: second };
}

/** Decodes once: what is still encoded then belongs to the name. */
function decodeChannel(encoded: string): string | undefined {
  if (/[^\0-\xff]/.test(encoded)) return undefined;
  // Some clients send UTF-8 as it is. Node hands over its bytes as characters: spelled as encoded
  // bytes they are decoded, and refused, by the same rule.
  const ascii = encoded.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16)}`);
  try {
    return decodeURIComponent(ascii);
  } catch {
    return undefined;
  }
}
