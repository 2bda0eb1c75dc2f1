import { sealToken } from '#gateway/auth/signed-token.js';
import type { Login } from '#gateway/auth/tickets.js';

import { APP, claimsOf, FRAME, SITE_CLAIMS } from './preauth.ts';
import { inSeconds, signToken } from './tokens.ts';
import type { WsHandshake } from './way-in.ts';
import type { TicketChange } from './ws-attacks.ts';
import { BEARER, cookieOf, csrfOf, embedOf, FOREIGN_KEYS, KEYS } from './ws-attacks.ts';

/** The three ways of coming in by the handshake itself. */
export const ways = ['csrf', 'embed', 'bearer'] as const;
export type Way = (typeof ways)[number];

/** Who has as many connections as a user may have. */
export const FULL_USER = 'full';
/** A login that the site has ended. */
export const REVOKED_LOGIN = 'revoked';
/** From where as many are open as may be. */
export const FULL_ADDRESS = '203.0.113.9';

/** A handshake before it is written: each fault changes a part of its own, so that any two go together. */
export interface Draft {
  readonly way: Way;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly offersV1?: boolean;
  readonly origin?: string;
  readonly address?: string;
  /** Further credentials, among the offers. */
  readonly offers?: readonly string[];
  readonly cookieTimes?: number;
  readonly login?: Partial<Login>;
  /** Of the CSRF token, the embed token, or the bearer. */
  readonly token?: TicketChange;
  readonly cookie?: TicketChange;
  /** Claims of a ticket that was used already. */
  readonly spent?: Readonly<Record<string, unknown>>;
}

/** One thing that is wrong, the row of docs/protocol.md that finds it, and what answers then. */
export interface Fault {
  /** A row further down answers only when none above it does. */
  readonly row: number;
  readonly name: string;
  readonly ways: readonly Way[];
  readonly harm: (draft: Draft) => Draft;
  readonly answer: string;
}

const header =
  (name: string, value: string | undefined) =>
  (draft: Draft): Draft => ({ ...draft, headers: { ...draft.headers, [name]: value } });
const token =
  (change: TicketChange) =>
  (draft: Draft): Draft => ({ ...draft, token: { ...draft.token, ...change } });
const cookie =
  (change: TicketChange) =>
  (draft: Draft): Draft => ({ ...draft, cookie: { ...draft.cookie, ...change } });
const login =
  (change: Partial<Login>) =>
  (draft: Draft): Draft => ({ ...draft, login: { ...draft.login, ...change } });

const TICKETS = ['csrf', 'embed'] as const;
const CSRF = ['csrf'] as const;
const HOUR = 3_600;

/** In the order in which they are found. */
export const faults: readonly Fault[] = [
  {
    row: 1,
    name: 'a POST',
    ways,
    harm: (draft) => ({ ...draft, method: 'POST' }),
    answer: '405 Method not allowed',
  },
  {
    row: 1,
    name: 'version 8',
    ways,
    harm: header('Sec-WebSocket-Version', '8'),
    answer: '426 Upgrade required',
  },
  {
    row: 1,
    name: 'no key',
    ways,
    harm: header('Sec-WebSocket-Key', undefined),
    answer: '400 Bad handshake: Sec-WebSocket-Key is missing or malformed',
  },
  {
    row: 2,
    name: 'another host',
    ways,
    harm: header('Host', 'evil.test'),
    answer: '421 Host not allowed',
  },
  {
    row: 3,
    name: 'another path',
    ways,
    harm: (draft) => ({ ...draft, path: '/sse' }),
    answer: '404 Not found',
  },
  {
    row: 4,
    name: 'no postern.v1',
    ways,
    harm: (draft) => ({ ...draft, offersV1: false }),
    answer: '400 Bad handshake: Sec-WebSocket-Protocol must offer postern.v1',
  },
  {
    row: 5,
    name: 'a foreign origin',
    ways,
    harm: (draft) => ({ ...draft, origin: 'https://evil.test' }),
    answer: '403 Origin not allowed',
  },
  {
    row: 6,
    name: 'another mode of fetching',
    ways,
    harm: header('Sec-Fetch-Mode', 'cors'),
    answer: '403 Request not allowed',
  },
  {
    row: 7,
    name: 'an address that has enough',
    ways,
    harm: (draft) => ({ ...draft, address: FULL_ADDRESS }),
    answer: '429 Connection limit: of this address',
  },
  {
    row: 8,
    name: 'a second credential',
    ways,
    harm: (draft) => ({ ...draft, offers: [`postern.bearer.${BEARER}x`] }),
    answer: '400 Bad message: credential_ambiguous',
  },
  {
    row: 9,
    name: 'two cookies',
    ways: CSRF,
    harm: (draft) => ({ ...draft, cookieTimes: 2 }),
    answer: '400 Bad message: cookie_ambiguous',
  },
  {
    row: 10,
    name: 'a CSRF token of other keys',
    ways: CSRF,
    harm: token({ keys: FOREIGN_KEYS }),
    answer: '401 Unauthorized: csrf_invalid',
  },
  {
    row: 10,
    name: 'an embed token of other keys',
    ways: ['embed'],
    harm: token({ keys: FOREIGN_KEYS }),
    answer: '401 Unauthorized: embed_invalid',
  },
  {
    row: 10,
    name: 'a bearer of another key',
    ways: ['bearer'],
    harm: token({ keys: FOREIGN_KEYS }),
    answer: '401 Token invalid: token_invalid',
  },
  {
    row: 11,
    name: 'a CSRF token that is over',
    ways: CSRF,
    harm: token({ at: -HOUR }),
    answer: '401 JWT expired: csrf_expired',
  },
  {
    row: 11,
    name: 'an embed token that is over',
    ways: ['embed'],
    harm: token({ at: -HOUR }),
    answer: '401 JWT expired: embed_expired',
  },
  {
    row: 11,
    name: 'a bearer that is over',
    ways: ['bearer'],
    harm: token({ at: -HOUR }),
    answer: '401 JWT expired: token_expired',
  },
  {
    row: 12,
    name: 'the token of another page',
    ways: TICKETS,
    harm: token({ origin: 'https://other.test' }),
    answer: '403 Forbidden: origin_mismatch',
  },
  {
    row: 13,
    name: 'a cookie of other keys',
    ways: CSRF,
    harm: cookie({ keys: FOREIGN_KEYS }),
    answer: '401 Unauthorized: cookie_invalid',
  },
  {
    row: 14,
    name: 'a cookie that is over',
    ways: CSRF,
    harm: cookie({ at: -HOUR }),
    answer: '401 JWT expired: cookie_expired',
  },
  {
    row: 15,
    name: 'the token of another login',
    ways: CSRF,
    harm: token({ login: { sid: 'another' } }),
    answer: '401 Binding mismatch: binding_mismatch',
  },
  {
    row: 16,
    name: 'a login that is over',
    ways: TICKETS,
    harm: login({ authExpiresAt: inSeconds(-1) }),
    answer: '401 JWT expired: auth_expired',
  },
  {
    row: 17,
    name: 'a login that was revoked',
    ways,
    harm: login({ sid: REVOKED_LOGIN }),
    answer: '401 Revoked: revoked',
  },
  {
    row: 18,
    name: 'a login that may nothing',
    ways,
    harm: login({ scopes: {} }),
    answer: '403 Forbidden: scope_denied',
  },
  {
    row: 19,
    name: 'a user who has enough',
    ways,
    harm: login({ sub: FULL_USER }),
    answer: '429 Connection limit: of this user',
  },
];

let addresses = 0;

/** The bytes of a draft. Each comes from an address of its own, unless it is to be the one that is full. */
export async function handshakeOf(draft: Draft): Promise<WsHandshake> {
  const { way, method, path = '/ws', headers, offersV1 = true, offers = [], address } = draft;
  addresses += 1;
  const from = address ?? `198.18.${addresses >> 8}.${addresses & 255}`;
  const credential = await credentialOf(draft);
  const names = [offersV1 ? 'postern.v1' : 'chat', ...offers];
  return {
    ...(method === undefined ? {} : { method }),
    target: way === 'bearer' ? path : `${path}?${way}=${credential}`,
    origin: draft.origin ?? (way === 'embed' ? FRAME : APP),
    ...(way === 'csrf' ? { cookie: cookiesOf(draft) } : {}),
    ...(way === 'bearer' ? { bearer: credential } : {}),
    headers: {
      'X-Forwarded-For': from,
      'Sec-WebSocket-Protocol': names.join(', '),
      ...headers,
    },
  };
}

function cookiesOf({ login: who, cookie: change, cookieTimes = 1 }: Draft): string {
  const one = cookieOf({ ...change, login: { ...who, ...change?.login } });
  return Array.from({ length: cookieTimes }, () => one).join('; ');
}

async function credentialOf({ way, login: who, token: change = {}, spent }: Draft) {
  const whole = { ...change, login: { ...who, ...change.login } };
  if (way === 'bearer') return bearerOf(whole);
  const text = way === 'csrf' ? csrfOf(whole) : embedOf(whole);
  if (spent === undefined) return text;
  const { iat, exp } = claimsOf(text);
  const when = change.at === undefined ? {} : { iat, exp };
  return sealToken(way, { ...claimsOf(text), ...spent, ...when }, change.keys ?? KEYS);
}

/** The site's own token for a login, in which it says by claims what tickets say by scopes. */
function bearerOf({ login: who = {}, keys, at = 0 }: TicketChange): Promise<string> {
  const { scopes, sub = SITE_CLAIMS.sub, sid = SITE_CLAIMS.sid } = who;
  const { mode, channels, ...rest } = SITE_CLAIMS;
  const allowed = scopes === undefined ? { mode, channels } : { mode, channels: [] };
  const key = keys === undefined ? {} : { key: 'another-secret-of-thirty-two-bytes' };
  return signToken({ ...rest, ...allowed, sub, sid, exp: inSeconds(HOUR + at - 1) }, key);
}
