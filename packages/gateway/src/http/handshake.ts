import type { IncomingMessage } from 'node:http';
import { failures } from '@postern/client/protocol';
import type { Refusal } from './refuse.ts';

/** 16 bytes in base64 (RFC 6455 §4.1). */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

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
  if (hasBody(request)) return bad('A handshake has no body');
  return undefined;
}

/** Whether a request that is no upgrade to Node was meant as one: its sender should be told. */
export function wantsUpgrade({ headers }: IncomingMessage): boolean {
  return headers.upgrade !== undefined || headers['sec-websocket-key'] !== undefined;
}

function bad(text: string): Refusal {
  return { failure: failures.badHandshake, text: `${failures.badHandshake.reason}: ${text}` };
}

function hasRepeatedHeader(rawHeaders: readonly string[]): boolean {
  const seen = new Set<string>();
  return rawHeaders.some((header, index) => {
    if (index % 2 === 1) return false;
    const name = header.toLowerCase();
    const repeated = SINGLE.has(name) && seen.has(name);
    seen.add(name);
    return repeated;
  });
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
}
