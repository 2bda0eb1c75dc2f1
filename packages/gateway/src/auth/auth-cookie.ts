/** The auth cookie. The prefix holds browsers to Secure, HttpOnly, Path=/ and this very host. */
export const COOKIE_NAME = '__Host-Http-postern';

/** The auth cookie of `postern dev`, which has no TLS, and so no right to the prefix. */
export const DEV_COOKIE_NAME = 'postern-dev';

/** Browsers keep 4096 bytes of a cookie; half-kept logins would be hard to understand. */
const LONGEST_COOKIE_BYTES = 3072;

/** What was found of a cookie. */
export type Found = { readonly value: string } | 'missing' | 'ambiguous';

/** How a cookie is to be kept. */
export interface CookieLife {
  readonly name: typeof COOKIE_NAME | typeof DEV_COOKIE_NAME;
  readonly maxAgeSeconds: number;
  readonly nowSeconds: number;
}

/**
 * Finds the cookie of exactly this name over all Cookie lines of a request, octet by octet. What other
 * servers do to a name (trim Unicode spaces, fold case, take off quotes, look for `$Version`) lets a
 * page of a sibling domain set a cookie that its browser takes for another one.
 */
export function findCookie(rawHeaders: readonly string[], name: string): Found {
  const [first, ...more] = pairsOf(rawHeaders).filter((pair) => pair.startsWith(`${name}=`));
  if (first === undefined) return 'missing';
  return more.length > 0 ? 'ambiguous' : { value: first.slice(name.length + 1) };
}

/** What a Cookie line would be without the cookies of these names; `undefined`: none would be left. */
export function cookiesWithout(
  rawHeaders: readonly string[],
  names: readonly string[],
): string | undefined {
  const left = pairsOf(rawHeaders).filter(
    (pair) => !names.some((name) => pair.startsWith(`${name}=`)),
  );
  return left.length === 0 ? undefined : left.join('; ');
}

/** The Set-Cookie line for an auth cookie, or for people why there is none. */
export function setCookieLine(
  value: string,
  { name, maxAgeSeconds, nowSeconds }: CookieLife,
): { readonly line: string } | { readonly problem: string } {
  if (name.length + 1 + Buffer.byteLength(value) > LONGEST_COOKIE_BYTES)
    return {
      problem: `The auth cookie would be longer than ${LONGEST_COOKIE_BYTES} bytes: the channel claims of the login are too long. Name fewer channels, or patterns of them.`,
    };

  // IE knows no Max-Age; a browser whose clock is wrong understands nothing else.
  const expires = new Date((nowSeconds + maxAgeSeconds) * 1000).toUTCString();
  const attributes = [
    'Path=/',
    ...(name === COOKIE_NAME ? ['Secure'] : []),
    'HttpOnly',
    'SameSite=Strict',
    `Max-Age=${maxAgeSeconds}`,
    `Expires=${expires}`,
  ];
  return { line: [`${name}=${value}`, ...attributes].join('; ') };
}

/** Every `name=value` as it stands, less the spaces in front of it (RFC 6265 §4.2.1). */
function pairsOf(rawHeaders: readonly string[]): readonly string[] {
  return rawHeaders
    .filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'cookie')
    .flatMap((line) => line.split(';'))
    .map((pair) => pair.replace(/^ +/, ''))
    .filter((pair) => pair !== '');
}
