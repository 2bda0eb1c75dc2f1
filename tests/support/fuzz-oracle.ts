import type { Arsenal, Genuine } from './fuzz-arsenal.ts';
import type { Head } from './fuzz-head.ts';
import { joined, readHead, valuesOf } from './fuzz-head.ts';
import { APP, FRAME } from './preauth.ts';

/** Whether a request has to be let in, or must not be; or may be, where readers of HTTP differ. */
export type Verdict = 'in' | 'out' | 'either';

const TOKEN = /^[\w!#$%&'*+\-.^`|~]+$/;
const ONCE = [
  'host',
  'origin',
  'authorization',
  'upgrade',
  'sec-websocket-key',
  'sec-websocket-version',
];
const LOOPBACK = /^(?:localhost|127\.0\.0\.1)(?::\d{1,5})?$/;
const LIKE_LOOPBACK = /^(?:[\w-]+\.)*(?:localhost|127(?:\.\d+){3}|\[[\d:]+\])\.?(?::\d*)?$/i;
const COOKIE = '__Host-Http-postern=';

/** A credential that was brought, whatever it is worth. */
interface Brought {
  readonly kind: string;
  readonly token: string;
}

/**
 * What docs/protocol.md §2.4 says about a handshake at `/ws`, worked out from its bytes alone: tokens are
 * not verified but known. With more than one request in the bytes, any of them may be let in.
 */
export function verdictOn(text: string, { genuine }: Pick<Arsenal, 'genuine'>): Verdict {
  const head = readHead(text);
  if (head !== undefined && isEntitled(head, genuine)) {
    const isSure = head.isStrict && LOOPBACK.test(joined(head, 'host') ?? '');
    return isSure && hasPlainBody(head) ? 'in' : 'either';
  }
  const isLater = [...text.matchAll(/(?<=[\r\n])GET /g)].some(({ index }) => {
    const later = readHead(text.slice(index));
    return later !== undefined && isEntitled(later, genuine);
  });
  return isLater ? 'either' : 'out';
}

/** Whether a host is, or may be taken for, one of this computer. */
export const isLikeLoopback = (host: string | undefined): boolean => LIKE_LOOPBACK.test(host ?? '');

/** Whether it is one for certain. */
export const isLoopback = (host: string | undefined): boolean => LOOPBACK.test(host ?? '');

function isEntitled(head: Head, genuine: Arsenal['genuine']): boolean {
  if (!isHandshake(head) || !isLikeLoopback(joined(head, 'host'))) return false;
  const offers = valuesOf(head, 'sec-websocket-protocol')
    .flatMap((value) => value.split(','))
    .map((name) => name.replaceAll(/^[ \t]+|[ \t]+$/g, ''));
  if (!offers.every((name) => TOKEN.test(name)) || new Set(offers).size < offers.length)
    return false;
  if (!offers.includes('postern.v1')) return false;

  const [credential, ...more] = broughtIn(head, offers);
  return more.length === 0 && isAdmitted(head, credential, genuine);
}

/** RFC 6455 §4.2.1, and each of its headers once. */
function isHandshake(head: Head): boolean {
  return (
    head.method === 'GET' &&
    /^HTTP\/1\.1$/.test(head.version.trim()) &&
    head.target.split('?', 1)[0] === '/ws' &&
    ONCE.every((name) => valuesOf(head, name).length <= 1) &&
    joined(head, 'upgrade')?.toLowerCase() === 'websocket' &&
    /(^|,)\s*upgrade\s*(,|$)/i.test(joined(head, 'connection') ?? '') &&
    joined(head, 'sec-websocket-version') === '13' &&
    /^[A-Za-z0-9+/]{22}==$/.test(joined(head, 'sec-websocket-key') ?? '') &&
    joined(head, 'transfer-encoding') === undefined &&
    valuesOf(head, 'content-length').every((length) => /^0*$/.test(length))
  );
}

/** Whether nothing about its body could be taken in two ways. */
function hasPlainBody(head: Head): boolean {
  const lengths = valuesOf(head, 'content-length');
  return lengths.length === 0 || (lengths.length === 1 && lengths[0] === '0');
}

function broughtIn(head: Head, offers: readonly string[]): readonly Brought[] {
  const query = new URLSearchParams(head.target.split('?').slice(1).join('?'));
  const bearer = /^bearer(?: +(.*))?$/i.exec(joined(head, 'authorization') ?? '');
  const offered = offers.map((name) => /^postern\.(csrf|embed|bearer)\.(.*)$/.exec(name));
  return [
    ...['csrf', 'embed'].flatMap((kind) => query.getAll(kind).map((token) => ({ kind, token }))),
    ...(bearer === null ? [] : [{ kind: 'bearer', token: bearer[1] ?? '' }]),
    ...offered.flatMap((match) =>
      match === null ? [] : [{ kind: match[1] ?? '', token: match[2] ?? '' }],
    ),
  ];
}

function isAdmitted(
  head: Head,
  credential: Brought | undefined,
  genuine: Arsenal['genuine'],
): boolean {
  const origin = joined(head, 'origin');
  const cookies = valuesOf(head, 'cookie')
    .flatMap((line) => line.split(';'))
    .map((pair) => pair.replace(/^ +/, ''))
    .filter((pair) => pair.startsWith(COOKIE));
  if (credential === undefined)
    return cookies.length === 0 && (origin === undefined || origin === APP) && isFetch(head, 'any');

  const { kind, token } = credential;
  const known = genuine(token);
  if (known?.kind !== kind) return false;
  if (kind === 'bearer') return (origin === undefined || origin === APP) && isFetch(head, 'any');
  if (kind === 'embed') return origin === FRAME && known.origin === FRAME && isFetch(head, 'any');
  const cookie = genuine(cookies[0]?.slice(COOKIE.length) ?? '');
  return (
    cookies.length === 1 &&
    isBound(known, cookie) &&
    origin === APP &&
    known.origin === APP &&
    isFetch(head, 'of one site')
  );
}

const isBound = (csrf: Genuine, cookie: Genuine | undefined): boolean =>
  cookie?.kind === 'cookie' && cookie.who === csrf.who;

/** What a browser says of it, as far as it says something. */
function isFetch(head: Head, site: 'any' | 'of one site'): boolean {
  const [mode, dest, from] = ['mode', 'dest', 'site'].map((name) =>
    joined(head, `sec-fetch-${name}`),
  );
  const isNear = from === undefined || ['same-origin', 'same-site'].includes(from);
  return (
    (mode === undefined || mode === 'websocket') &&
    (dest === undefined || ['websocket', 'empty'].includes(dest)) &&
    (site === 'any' || isNear)
  );
}
