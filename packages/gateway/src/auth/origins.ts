/** Which pages may connect, as their browsers spell their origins. */
export interface OriginLists {
  readonly allowed: readonly string[];
  /** How browsers reach the gateway; its origin is one of ours. `undefined`: no origin is. */
  readonly publicUrl: string | undefined;
  /** Pages that other sites frame. They get embed tokens, and nothing else. */
  readonly embed: readonly string[];
}

/** Where a request comes from. */
export interface Whence {
  /** `undefined`: it does not say, and need not. */
  readonly origin: string | undefined;
  /** Whether a login may be shown to a page of this origin, by the auth cookie. */
  readonly isAllowed: boolean;
  /** Whether an embed token may be. */
  readonly isEmbedding: boolean;
}

/** Why a request may come no further. */
export type OriginFailure = 'origin_denied' | 'origin_missing';

/** What a handshake brings: what a browser sends by itself, and what makes a page allowed to send it. */
export type BroughtBy = 'browser' | 'embed' | 'bearer';

/** Decides by origin who may come in. Takes the raw header lines: Node joins some and drops others. */
export interface Origins {
  /** Of a preauth: an origin of either list, and which of them it is on. */
  ofPreauth(rawHeaders: readonly string[]): Whence | OriginFailure;
  /** Of a postern.v1 handshake. Only a bearer, or nothing at all, comes without an origin. */
  ofHandshake(rawHeaders: readonly string[], by: BroughtBy): Whence | OriginFailure;
  /** Of a request for a stream: the same, but that a browser says no origin to the one that it is of. */
  ofStream(rawHeaders: readonly string[], by: BroughtBy): Whence | OriginFailure;
}

/**
 * Builds the decisions. An origin is on a list byte for byte or not at all, and nothing about the
 * request itself, such as its Host, makes an origin one of ours.
 */
export function createOrigins({ allowed, publicUrl, embed }: OriginLists): Origins {
  const own = publicUrl === undefined ? [] : [new URL(publicUrl).origin];
  const ours = listOf([...allowed, ...own]);
  const embedding = listOf(embed);
  const whence = (origin: string): Whence => ({
    origin,
    isAllowed: ours.has(origin),
    isEmbedding: embedding.has(origin),
  });
  const ofHandshake: Origins['ofHandshake'] = (rawHeaders, by) => {
    const [origin, ...more] = linesOf(rawHeaders, 'origin');
    if (origin === undefined) return by === 'bearer' ? UNSAID : 'origin_missing';
    const from = whence(origin);
    const isListed = by === 'embed' ? from.isEmbedding : from.isAllowed;
    return isListed && more.length === 0 ? from : 'origin_denied';
  };

  return {
    ofPreauth: (rawHeaders) => {
      const [origin, ...more] = linesOf(rawHeaders, 'origin');
      if (origin === undefined) return withoutOrigin(rawHeaders, ours);
      const from = whence(origin);
      const isListed = from.isAllowed || from.isEmbedding;
      return isListed && more.length === 0 ? from : 'origin_denied';
    },
    ofHandshake,
    ofStream: (rawHeaders, by) => {
      const [origin] = linesOf(rawHeaders, 'origin');
      const [self] = own;
      const isUnsaid = by === 'browser' && origin === undefined && self !== undefined;
      // No script can say it; and whose origin that is, the page's token has to say.
      return isUnsaid && isOnly(linesOf(rawHeaders, 'sec-fetch-site'), 'same-origin')
        ? whence(self)
        : ofHandshake(rawHeaders, by);
    },
  };
}

/**
 * Makes the check of the raw protocol. An empty list passes everything. A request without `Origin`
 * passes: no browser opens a socket without one, and a token in the path is no ambient authority that
 * a foreign page could borrow.
 */
export function createOriginCheck(
  allowed: readonly string[],
): (origin: string | undefined) => boolean {
  const origins = listOf(allowed);

  return (origin) => allowed.length === 0 || origin === undefined || origins.has(origin);
}

const UNSAID: Whence = { origin: undefined, isAllowed: true, isEmbedding: false };

/** `null` is the origin of everybody who hides theirs, so it is on no list, even when listed. */
function listOf(origins: readonly string[]): ReadonlySet<string> {
  return new Set(origins.filter((origin) => origin !== 'null'));
}

/**
 * A program that holds a bearer has no origin; with a cookie beside it, it may be a browser that was
 * made to hide its own. IE leaves the origin out where the page is of the same one, and says Referer.
 */
function withoutOrigin(
  rawHeaders: readonly string[],
  ours: ReadonlySet<string>,
): Whence | OriginFailure {
  const has = (name: string) => linesOf(rawHeaders, name).length > 0;
  const [referer = '', ...more] = linesOf(rawHeaders, 'referer');
  // Up to the slash, since `https://app.test.evil.test/` begins like one of ours.
  const origin = [...ours].find((one) => referer.startsWith(`${one}/`));
  if (origin !== undefined && more.length === 0)
    return { origin, isAllowed: true, isEmbedding: false };
  return has('authorization') && !has('cookie') ? UNSAID : 'origin_missing';
}

function isOnly(lines: readonly string[], value: string): boolean {
  return lines.length === 1 && lines[0] === value;
}

function linesOf(rawHeaders: readonly string[], name: string): readonly string[] {
  return rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name,
  );
}
