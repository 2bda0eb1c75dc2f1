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

/** What shows who a client of `postern.v1` is. */
export interface WsCredential {
  readonly kind: 'bearer' | 'csrf' | 'embed';
  /** As it stands, not verified; it may be empty. */
  readonly token: string;
}

/** Where credentials of `postern.v1` can stand in a handshake. */
interface Handshake {
  /** The request target: what follows `?` is a query. */
  readonly target: string;
  readonly authorization: string | undefined;
  /** Those among the offered subprotocols. */
  readonly offered: readonly WsCredential[];
}

/** Every credential of a handshake: more than one is for the door to refuse. */
export function wsCredentials({
  target,
  authorization,
  offered,
}: Handshake): readonly WsCredential[] {
  const query = new URLSearchParams(target.split('?').slice(1).join('?'));
  // Other schemes than Bearer are a proxy's business (RFC 9110 §11.4 has them in any case).
  const bearer = /^bearer(?: +(.*))?$/i.exec(authorization ?? '');
  return [
    ...query.getAll('csrf').map((token) => ({ kind: 'csrf', token }) as const),
    ...query.getAll('embed').map((token) => ({ kind: 'embed', token }) as const),
    ...(bearer === null ? [] : [{ kind: 'bearer', token: bearer[1] ?? '' } as const]),
    ...offered,
  ];
}
