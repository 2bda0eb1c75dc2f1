import type { Arsenal } from './fuzz-arsenal.ts';
import type { Head } from './fuzz-head.ts';
import { joined, readHead, valuesOf } from './fuzz-head.ts';
import { isLikeLoopback, isLoopback } from './fuzz-oracle.ts';
import type { Verdict } from './fuzz-oracle.ts';
import { APP, FRAME } from './preauth.ts';

/** Bodies of which it is known what comes of them. */
const ORDINARY = new Set(['', '{}', '{"channels":["chat"]}', '{"embed":true}']);

/** What docs/protocol.md §4.1 says about a request for tickets, worked out from its bytes alone. */
export function preauthVerdictOn(text: string, { genuine }: Pick<Arsenal, 'genuine'>): Verdict {
  const head = readHead(text);
  if (head !== undefined && isEntitled(head, genuine)) return isSure(head) ? 'in' : 'either';
  const isLater = [...text.matchAll(/(?<=[\r\n])POST /g)].some(({ index }) => {
    const later = readHead(text.slice(index));
    return later !== undefined && isEntitled(later, genuine);
  });
  return isLater ? 'either' : 'out';
}

function isEntitled(head: Head, genuine: Arsenal['genuine']): boolean {
  return (
    head.method === 'POST' &&
    head.target.split('?', 1)[0] === '/preauth' &&
    isForPreauth(head) &&
    isPlaced(head) &&
    isKnown(head, genuine)
  );
}

/** That it came by TLS, to this gateway, from a script that asked first. */
function isForPreauth(head: Head): boolean {
  const protocols = joined(head, 'x-forwarded-proto')?.split(',') ?? [];
  const [type = ''] = (valuesOf(head, 'content-type')[0] ?? '').split(';', 1);
  return (
    protocols.length > 0 &&
    protocols.every((protocol) => protocol.trim().toLowerCase() === 'https') &&
    valuesOf(head, 'host').length === 1 &&
    isLikeLoopback(joined(head, 'host')) &&
    joined(head, 'sec-websocket-key') === undefined &&
    joined(head, 'upgrade')?.toLowerCase().includes('websocket') !== true &&
    type.trim().toLowerCase() === 'application/json' &&
    joined(head, 'x-postern-preauth') === '1'
  );
}

/** Whether the page may have what it asks for, being where it is; of a body that says so plainly. */
function isPlaced(head: Head): boolean {
  const origins = valuesOf(head, 'origin');
  const [origin, ...more] = origins;
  const referers = valuesOf(head, 'referer');
  const isNamed = referers.length === 1 && referers[0]?.startsWith(`${APP}/`) === true;
  const isProgram = joined(head, 'cookie') === undefined;
  const isOurs = origin === undefined ? isNamed || isProgram : origin === APP;
  const wantsEmbed = isFramed(head) ? head.body === '{"embed":true}' : undefined;
  const isThere = {
    ours: more.length === 0 && isOurs,
    frame: more.length === 0 && origin === FRAME,
  };
  if (wantsEmbed === undefined) return isThere.ours || isThere.frame;
  if (wantsEmbed) return isThere.frame && isFetch(head, 'any');
  return isThere.ours && isFetch(head, 'of one site');
}

/** Whether its body is as long as it says, and ends there. */
const isFramed = (head: Head): boolean =>
  head.isStrict &&
  valuesOf(head, 'transfer-encoding').length === 0 &&
  joined(head, 'content-length') === String(head.body.length) &&
  ORDINARY.has(head.body);

function isFetch(head: Head, site: 'any' | 'of one site'): boolean {
  const [mode, dest, from] = ['mode', 'dest', 'site'].map((name) =>
    joined(head, `sec-fetch-${name}`),
  );
  const near = ['same-origin', 'same-site', ...(site === 'any' ? ['cross-site'] : [])];
  return (
    (mode === undefined || ['cors', 'same-origin'].includes(mode)) &&
    (dest === undefined || dest === 'empty') &&
    (from === undefined || near.includes(from))
  );
}

function isKnown(head: Head, genuine: Arsenal['genuine']): boolean {
  const [authorization = '', ...more] = valuesOf(head, 'authorization');
  const token = /^bearer +(.*)$/i.exec(authorization)?.[1] ?? '';
  return more.length === 0 && genuine(token)?.kind === 'bearer';
}

/** Whether nothing about it could be taken in two ways. */
const isSure = (head: Head): boolean =>
  head.isStrict &&
  isFramed(head) &&
  isLoopback(joined(head, 'host')) &&
  valuesOf(head, 'content-type').length === 1 &&
  joined(head, 'upgrade') === undefined &&
  joined(head, 'expect') === undefined;
