import { randomBytes } from 'node:crypto';

import { APP, FRAME } from './preauth.ts';
import type { Arsenal } from './fuzz-arsenal.ts';

/** A header line: its name, and its value. */
export type Line = readonly [name: string, value: string];

/** A request before it is written, so that parts of it can be moved, changed and left out. */
export interface Draft {
  readonly method: string;
  readonly path: string;
  /** What stands between the `&`. */
  readonly query: readonly string[];
  readonly version: string;
  readonly lines: readonly Line[];
  readonly body: string;
}

type Make = (arsenal: Arsenal, port: number) => Draft;

/** Handshakes at `/ws` by each way in, correct but for those whose token is another's. */
export const handshakeDrafts = {
  'csrf in the query': (arsenal, port) =>
    handshake(port, { query: [`csrf=${arsenal.csrf}`], lines: browserLines(arsenal) }),
  'csrf among the offers': (arsenal, port) =>
    handshake(port, { offer: `csrf.${arsenal.csrf}`, lines: browserLines(arsenal) }),
  'embed in the query': (arsenal, port) =>
    handshake(port, { query: [`embed=${arsenal.freshEmbed()}`], lines: [['Origin', FRAME]] }),
  'embed among the offers': (arsenal, port) =>
    handshake(port, { offer: `embed.${arsenal.freshEmbed()}`, lines: [['Origin', FRAME]] }),
  'bearer in a header': (arsenal, port) =>
    handshake(port, { lines: [['Authorization', `Bearer ${arsenal.bearer}`]] }),
  'bearer among the offers': (arsenal, port) =>
    handshake(port, { offer: `bearer.${arsenal.bearer}`, lines: [['Origin', APP]] }),
  'the token of another login': (arsenal, port) =>
    handshake(port, { query: [`csrf=${arsenal.csrfOfEve}`], lines: browserLines(arsenal) }),
  'the token of another page': (arsenal, port) =>
    handshake(port, { query: [`csrf=${arsenal.csrfOfFrame}`], lines: browserLines(arsenal) }),
  'a token of other keys': (arsenal, port) =>
    handshake(port, { query: [`csrf=${arsenal.foreignCsrf}`], lines: browserLines(arsenal) }),
  'a token that was used': (arsenal, port) =>
    handshake(port, { query: [`embed=${arsenal.spentEmbed}`], lines: [['Origin', FRAME]] }),
  'nothing yet': (_, port) => handshake(port, {}),
} as const satisfies Record<string, Make>;

/** Requests for preauthentication, correct but for the one whose page may not have what it asks for. */
export const preauthDrafts = {
  'cookie and CSRF token': (arsenal, port) => preauth(arsenal, port, APP, ''),
  'a narrowed CSRF token': (arsenal, port) => preauth(arsenal, port, APP, '{"channels":["chat"]}'),
  'a cookie for a frame': (arsenal, port) => preauth(arsenal, port, FRAME, ''),
  'an embed token': (arsenal, port) => preauth(arsenal, port, FRAME, '{"embed":true}'),
} as const satisfies Record<string, Make>;

/** What goes over the wire, a character for each byte. */
export function written({ method, path, query, version, lines, body }: Draft): string {
  const target = query.length === 0 ? path : `${path}?${query.join('&')}`;
  const head = lines.map(([name, value]) => `${name}: ${value}`);
  return `${[`${method} ${target} ${version}`, ...head].join('\r\n')}\r\n\r\n${body}`;
}

const browserLines = ({ cookie }: Arsenal): readonly Line[] => [
  ['Origin', APP],
  ['Cookie', `a=b; __Host-Http-postern=${cookie}`],
];

function handshake(
  port: number,
  {
    query = [],
    offer,
    lines = [],
  }: {
    readonly query?: readonly string[];
    readonly offer?: string;
    readonly lines?: readonly Line[];
  },
): Draft {
  const offers = offer === undefined ? 'postern.v1' : `postern.v1, postern.${offer}`;
  return {
    method: 'GET',
    path: '/ws',
    query,
    version: 'HTTP/1.1',
    lines: [
      ['Host', `127.0.0.1:${port}`],
      ['Upgrade', 'websocket'],
      ['Connection', 'Upgrade'],
      ['Sec-WebSocket-Key', randomBytes(16).toString('base64')],
      ['Sec-WebSocket-Version', '13'],
      ['Sec-WebSocket-Protocol', offers],
      ...lines,
    ],
    body: '',
  };
}

function preauth({ bearer }: Arsenal, port: number, origin: string, body: string): Draft {
  return {
    method: 'POST',
    path: '/preauth',
    query: [],
    version: 'HTTP/1.1',
    lines: [
      ['Host', `127.0.0.1:${port}`],
      ['Origin', origin],
      ['X-Forwarded-Proto', 'https'],
      ['Authorization', `Bearer ${bearer}`],
      ['Content-Type', 'application/json'],
      ['X-Postern-Preauth', '1'],
      ['Content-Length', String(body.length)],
    ],
    body,
  };
}
