/** What the path of a raw connection says. */
export interface PathCredential {
  /** `undefined`: the path names no channel. The empty name (`//<token>`) is one nobody is granted. */
  readonly channel: string | undefined;
  /** May be empty, as in `/` and `/chat/`; it is verified as it stands, without decoding. */
  readonly token: string;
}

/**
 * Reads `/<channel>/<token>` or `/<token>`, the path of the raw protocol: the request target before
 * `?`, of which Node lets ASCII in and nothing else. What follows the token is ignored. `undefined` when
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
  try {
    return decodeURIComponent(encoded);
  } catch {
    // Percent signs, or bytes, that stand for nothing.
    return undefined;
  }
}
