import { APP, FRAME } from './preauth.ts';
import type { WsHandshake } from './way-in.ts';
import { BEARER, browser, cookieOf, csrfOf, each, framed } from './ws-attacks.ts';
import type { Case } from './ws-attacks.ts';

const headers = (more: WsHandshake['headers']): WsHandshake => browser({ headers: more ?? {} });

export const malformed: readonly Case[] = [
  ['a POST', browser({ method: 'POST' }), '405'],
  ['an OPTIONS', browser({ method: 'OPTIONS' }), '405'],
  ['HTTP/1.0', browser({ version: 'HTTP/1.0' }), '400'],
  ['no Host', headers({ Host: undefined }), '400'],
  ['two hosts', browser({ lines: ['Host: app.test'] }), '400'],
  ['no Connection', headers({ Connection: undefined }), '400'],
  ['Connection: close', headers({ Connection: 'close' }), '400'],
  ['no version', headers({ 'Sec-WebSocket-Version': undefined }), '426'],
  ['version 8', headers({ 'Sec-WebSocket-Version': '8' }), '426'],
  ['version 13 and 8', headers({ 'Sec-WebSocket-Version': '13, 8' }), '426'],
  ['two versions', browser({ lines: ['Sec-WebSocket-Version: 13'] }), '400'],
  ['no key', headers({ 'Sec-WebSocket-Key': undefined }), '400'],
  ['a short key', headers({ 'Sec-WebSocket-Key': 'AAAA' }), '400'],
  ['two keys', browser({ lines: ['Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='] }), '400'],
  ['a body', headers({ 'Content-Length': '2' }), '400'],
  ['a body in chunks', headers({ 'Transfer-Encoding': 'chunked' }), '400'],
  ['two origins, ours first', browser({ lines: ['Origin: https://evil.test'] }), '400'],
  [
    'two origins, ours last',
    browser({ origin: 'https://evil.test', lines: [`Origin: ${APP}`] }),
    '400',
  ],
  ['the same origin twice', browser({ lines: [`Origin: ${APP}`] }), '400'],
  [
    'two Authorization lines',
    { bearer: BEARER, lines: [`Authorization: Bearer ${BEARER}`] },
    '400',
  ],
  ['no subprotocol', headers({ 'Sec-WebSocket-Protocol': undefined }), '400'],
  ['another subprotocol', headers({ 'Sec-WebSocket-Protocol': 'postern.v2' }), '400'],
  ['upper case', headers({ 'Sec-WebSocket-Protocol': 'POSTERN.V1' }), '400'],
  ['a name twice', headers({ 'Sec-WebSocket-Protocol': 'postern.v1, postern.v1' }), '400'],
  ['an empty name', headers({ 'Sec-WebSocket-Protocol': 'postern.v1,,a' }), '400'],
  ['another host', headers({ Host: 'evil.test' }), '421 Host not allowed'],
];

const lookAlikes = [
  'https://app.test.evil.test',
  'http://app.test',
  'https://app.test:444',
  'https://app.test:443',
  'https://APP.test',
  'HTTPS://app.test',
  'https://app.test.',
  'https://app.test/',
  'https://sub.app.test',
  'https://xapp.test',
  'https://evil.test',
  'https://user@app.test',
  'https://app.test, https://evil.test',
  'https://app.test https://evil.test',
  '\xa0https://app.test',
  'https://app.tes\u0074%00',
  'app.test',
  '//app.test',
  'null',
  'NULL',
  'file://',
  'wss://app.test',
  '',
];

export const origins: readonly Case[] = [
  ...each(lookAlikes, (origin) => browser({ origin }), '403 Origin not allowed'),
  ...each(lookAlikes, (origin) => ({ bearer: BEARER, origin }), '403 Origin not allowed'),
  ...each(lookAlikes, (origin) => framed({ origin }), '403 Origin not allowed'),
  ['a frame with a cookie and a CSRF token', browser({ origin: FRAME }), '403 Origin not allowed'],
  ['a page of ours with an embed token', framed({ origin: APP }), '403 Origin not allowed'],
  ['none, with cookie and token', browser({ origin: undefined }), '403 Origin missing'],
  ['none, with a token', { csrf: csrfOf(), origin: undefined }, '403 Origin missing'],
  ['none, with a cookie', { cookie: cookieOf(), origin: undefined }, '403 Origin missing'],
  ['none, with an embed token', framed({ origin: undefined }), '403 Origin missing'],
  [
    'none, but a Referer',
    { ...headers({ Referer: `${APP}/` }), origin: undefined },
    '403 Origin missing',
  ],
];

const DENIED = '403 Request not allowed';
export const metadata: readonly Case[] = [
  ...each(
    ['navigate', 'no-cors', 'cors', ''],
    (mode) => headers({ 'Sec-Fetch-Mode': mode }),
    DENIED,
  ),
  ...each(
    ['document', 'iframe', 'script', ''],
    (dest) => headers({ 'Sec-Fetch-Dest': dest }),
    DENIED,
  ),
  ...each(
    ['cross-site', 'none', '', 'same-origin, same-origin'],
    (site) => headers({ 'Sec-Fetch-Site': site }),
    DENIED,
  ),
  ['a bearer’s mode', { bearer: BEARER, headers: { 'Sec-Fetch-Mode': 'cors' } }, DENIED],
  ['a frame’s dest', framed({ headers: { 'Sec-Fetch-Dest': 'image' } }), DENIED],
];
