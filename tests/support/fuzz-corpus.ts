import type { Line } from './fuzz-draft.ts';
import { FRAME } from './preauth.ts';

/** Lines that mean something to the gateway, or to Node, and belong into few requests. */
export const CURIOUS: readonly Line[] = [
  ['Origin', 'null'],
  ['Origin', 'https://evil.test'],
  ['Origin', FRAME],
  ['Referer', 'https://app.test/page'],
  ['Cookie', '__Host-Http-postern=x'],
  ['Cookie', 'a=b'],
  ['Authorization', 'Basic eDp4'],
  ['Authorization', 'Bearer'],
  ['Sec-Fetch-Mode', 'websocket'],
  ['Sec-Fetch-Mode', 'cors'],
  ['Sec-Fetch-Dest', 'empty'],
  ['Sec-Fetch-Site', 'same-site'],
  ['Sec-Fetch-Site', 'cross-site'],
  ['Sec-WebSocket-Protocol', 'chat'],
  ['Sec-WebSocket-Extensions', 'permessage-deflate; client_max_window_bits=99'],
  ['Content-Length', '0'],
  ['Content-Length', '5'],
  ['Transfer-Encoding', 'chunked'],
  ['Expect', '100-continue'],
  ['Upgrade', 'h2c'],
  ['X-Forwarded-Proto', 'http'],
  ['X-Forwarded-For', 'unknown, 203.0.113.7'],
  ['Connection', 'keep-alive'],
  ['__proto__', 'x'],
];

/** What may stand in a query, each between two `&`. */
export const QUERIES = [
  ['csrf', 'csrf=', 'embed', 'bearer=x', '%63srf=x', 'CSRF=x', 'csrf[]=x', '&', '='],
  ['x='.repeat(500), '%', '%zz', 'a;csrf=x', '?', '#', '__proto__=1', '+', '%00'],
].flat();

/** Targets that are not `/ws`, however near they come. */
export const PATHS = [
  '/ws/',
  '//ws',
  '/WS',
  '/%77s',
  '/ws#',
  'http://127.0.0.1/ws',
  '/preauth',
  '*',
  '',
];
/** Methods, most of them the wrong one. */
export const METHODS = ['POST', 'OPTIONS', 'HEAD', 'get', 'CONNECT', 'PRI', 'GET'];
/** Versions, none of them the right one. */
export const VERSIONS = ['HTTP/1.0', 'HTTP/2.0', 'HTTP/1.1 ', 'http/1.1', ''];
/** What a page may ask for at preauthentication, and what it may not. */
export const BODIES = [
  '{}',
  '{"embed":true}',
  '{"channels":[]}',
  '{"channels":["none"]}',
  '[]',
  '{',
  '\0',
];
