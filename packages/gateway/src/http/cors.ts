import type { Whence } from '../auth/origins.ts';
import type { Headers } from './problem.ts';

/** Seconds for which a browser need not ask again. */
const PREFLIGHT_SECONDS = 600;

/**
 * What lets the script of a page read an answer: its own origin and no other, never `*`; nothing for
 * pages that are on no list. Credentials only where a cookie may be set: of a framed page the browser
 * keeps none of ours.
 */
export function corsHeaders({ origin, isAllowed, isEmbedding }: Whence): Headers {
  if (origin === undefined || (!isAllowed && !isEmbedding)) return {};
  return {
    'Access-Control-Allow-Origin': origin,
    ...(isAllowed ? { 'Access-Control-Allow-Credentials': 'true' } : {}),
  };
}

/** What a page may send: by which method, with which headers of its own. */
const sendable = {
  preauth: { method: 'POST', headers: 'Authorization, Content-Type, X-Postern-Preauth' },
  stream: { method: 'GET', headers: 'Authorization, Last-Event-ID' },
} as const;

/** The same for the question that a browser asks first: what a page may send. */
export function preflightHeaders(whence: Whence, what: keyof typeof sendable): Headers {
  const allowed = corsHeaders(whence);
  if (Object.keys(allowed).length === 0) return {};
  return {
    ...allowed,
    'Access-Control-Allow-Methods': sendable[what].method,
    'Access-Control-Allow-Headers': sendable[what].headers,
    'Access-Control-Max-Age': String(PREFLIGHT_SECONDS),
  };
}
