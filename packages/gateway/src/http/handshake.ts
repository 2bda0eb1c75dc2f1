import type { IncomingMessage } from 'node:http';
import { failures } from '@postern/client/protocol';
import type { Refusal } from './refuse.ts';

/** 16 bytes in base64 (RFC 6455 §4.1). */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

/** One name of a list, a token of RFC 9110 §5.6.2, with the blanks around it. */
const LISTED = /^[ \t]*([\w!#$%&'*+\-.^`|~]+)[ \t]*$/;

/** Headers that must not be repeated: Node would join some and drop the others in silence. */
const SINGLE = new Set([
  'host',
  'origin',
  'authorization',
  'upgrade',
  'sec-websocket-key',
  'sec-websocket-version',
]);

/**
 * What makes an upgrade request no WebSocket handshake as RFC 6455 §4.2.1 has it; undefined when it
 * is one. Reads the raw header lines, since Node has already merged those that it parsed.
 */
export function malformed(request: IncomingMessage): Refusal | undefined {
  const { headers } = request;
  if (request.method !== 'GET')
    return { failure: failures.methodNotAllowed, headers: { Allow: 'GET' } };
  if (request.httpVersion !== '1.1') return bad('HTTP/1.1 is required');
  // Node asks for it in plain requests only.
  if (headers.host === undefined) return bad('Host is missing');
  if (hasRepeatedHeader(request.rawHeaders)) return bad('A header is repeated');
  if (headers.upgrade?.toLowerCase() !== 'websocket') return bad('Upgrade must be websocket');
  if (!/(^|,)\s*upgrade\s*(,|$)/i.test(headers.connection ?? ''))
    return bad('Connection must be upgrade');
  if (headers['sec-websocket-version'] !== '13')
    return { failure: failures.upgradeRequired, headers: { 'Sec-WebSocket-Version': '13' } };
  if (!KEY.test(headers['sec-websocket-key'] ?? ''))
    return bad('Sec-WebSocket-Key is missing or malformed');
  if (!isProtocolList(headers['sec-websocket-protocol']))
    return bad('Sec-WebSocket-Protocol is malformed');
  if (hasBody(request)) return bad('A handshake has no body');
  return undefined;
}

/** Whether a request was meant as a handshake, however badly: its sender should be told. */
export function wantsUpgrade({ headers }: IncomingMessage): boolean {
  const isNamed = headers.upgrade?.toLowerCase().includes('websocket') === true;
  return isNamed || headers['sec-websocket-key'] !== undefined;
}

/**
 * Whether a request that is an upgrade to Node only offers another protocol, and can be answered as
 * if it did not (RFC 9110 §7.8). One with a body cannot: Node has left the body unread.
 */
export function isPlain(request: IncomingMessage): boolean {
  return !wantsUpgrade(request) && !hasBody(request) && request.headers.host !== undefined;
}

function bad(text: string): Refusal {
  return { failure: failures.badHandshake, text: `${failures.badHandshake.reason}: ${text}` };
}

/** Whether a header is there twice that says one thing only. */
export function hasRepeatedHeader(rawHeaders: readonly string[]): boolean {
  const seen = new Set<string>();
  return rawHeaders.some((header, index) => {
    if (index % 2 === 1) return false;
    const name = header.toLowerCase();
    const repeated = SINGLE.has(name) && seen.has(name);
    seen.add(name);
    return repeated;
  });
}

/** Whether it names subprotocols, each once (RFC 6455 §4.1), or is not there. */
function isProtocolList(header: string | undefined): boolean {
  if (header === undefined) return true;
  const names = header.split(',').map((part) => LISTED.exec(part)?.[1]);
  return !names.includes(undefined) && new Set(names).size === names.length;
}

/** Whether the request says that a body follows. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
}
