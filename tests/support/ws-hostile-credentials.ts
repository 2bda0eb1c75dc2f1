import { sealToken } from '#gateway/auth/signed-token.js';

import { APP, claimsOf, FRAME } from './preauth.ts';
import { inSeconds } from './tokens.ts';
import type { WsHandshake } from './way-in.ts';
import {
  BEARER,
  browser,
  cookieOf,
  csrfOf,
  each,
  embedOf,
  FOREIGN_KEYS,
  framed,
  KEYS,
  malleated,
  UNKNOWN_KEYS,
} from './ws-attacks.ts';
import type { Case } from './ws-attacks.ts';

/** All the ways in which a credential can travel, each with one that would do. */
const ways: Readonly<Record<string, WsHandshake>> = {
  'csrf in the query': { csrf: csrfOf() },
  'csrf among the offers': { offers: [`postern.csrf.${csrfOf()}`] },
  'embed in the query': { embed: embedOf() },
  'embed among the offers': { offers: [`postern.embed.${embedOf()}`] },
  'bearer in a header': { bearer: BEARER },
  'bearer among the offers': { offers: [`postern.bearer.${BEARER}`] },
};

export const pairs: readonly Case[] = Object.entries(ways).flatMap(([one, first], index, all) =>
  all.slice(index + 1).map(([other, second]): Case => {
    const together = {
      ...first,
      ...second,
      offers: [...(first.offers ?? []), ...(second.offers ?? [])],
    };
    const isFramed = !`${one} ${other}`.includes('csrf') && `${one} ${other}`.includes('embed');
    const origin = isFramed ? FRAME : APP;
    const handshake = { ...together, cookie: cookieOf(), origin };
    return [`${one}, ${other}`, handshake, '400 Bad message: credential_ambiguous'];
  }),
);

const cookieHeader = (line: string): WsHandshake => browser({ cookie: line });
const cookie = cookieOf();
const value = cookie.slice(cookie.indexOf('=') + 1);
const MISSING = '401 Unauthorized: cookie_missing';
const AMBIGUOUS = '400 Bad message: cookie_ambiguous';
const BAD_COOKIE = '401 Unauthorized: cookie_invalid';

export const cookies: readonly Case[] = [
  ['none', { csrf: csrfOf() }, MISSING],
  ['one, and no token', { cookie }, '401 Unauthorized: credential_missing'],
  ['the same twice', cookieHeader(`${cookie}; ${cookie}`), AMBIGUOUS],
  ['two of one name', cookieHeader(`${cookie}; __Host-Http-postern=x`), AMBIGUOUS],
  ['a tossed one first', cookieHeader(`__Host-Http-postern=x; ${cookie}`), AMBIGUOUS],
  ['two lines', browser({ lines: [`Cookie: ${cookie}`] }), AMBIGUOUS],
  ['an empty value', cookieHeader('__Host-Http-postern='), BAD_COOKIE],
  ['a quoted value', cookieHeader(`__Host-Http-postern="${value}"`), BAD_COOKIE],
  ['a value and a blank', cookieHeader(`${cookie} ; a=b`), BAD_COOKIE],
  ...each(
    [
      `__host-http-postern=${value}`,
      `__HOST-HTTP-POSTERN=${value}`,
      `"__Host-Http-postern"=${value}`,
      `\xa0__Host-Http-postern=${value}`,
      `a=b;\t__Host-Http-postern=${value}`,
      `\x85__Host-Http-postern=${value}`,
      `__Host-Http-postern =${value}`,
      `__Host-Http-postern`,
      `$Version=1; $__Host-Http-postern=${value}`,
      `$Version="1", __Host-Http-postern=${value}`,
      `__Host-postern=${value}`,
      `__Host-Http-postern2=${value}`,
      `postern-dev=${value}`,
      `%5f_Host-Http-postern=${value}`,
    ],
    cookieHeader,
    MISSING,
  ),
];

const BAD_CSRF = '401 Unauthorized: csrf_invalid';
const BAD_EMBED = '401 Unauthorized: embed_invalid';
const BAD_BEARER = '401 Token invalid: token_invalid';
const embed = embedOf();
const csrf = csrfOf();
const named = (token: string): string => `__Host-Http-postern=${token}`;
const csrfWith = (claims: object): string =>
  sealToken('csrf', { ...claimsOf(csrf), ...claims }, KEYS);

/** What the gateway would sign for a session that is to go on, in all but who asked for it. */
const refresh = sealToken(
  'refresh',
  { ...claimsOf(csrf), aud: 'postern/refresh', cnx: 'session-1', aexp: inSeconds(600) },
  KEYS,
);
/** Every claim and the audience of a CSRF token, under the key that is for another purpose. */
const refreshLike = sealToken('refresh', claimsOf(csrf), KEYS);

export const slots: readonly Case[] = [
  ...each(
    [value, embed, refresh, refreshLike, BEARER, '', 'x', `${csrf}.`, `.${csrf}`],
    (token) => browser({ csrf: token }),
    BAD_CSRF,
  ),
  ...each(
    [csrf, embed, refresh, BEARER, 'x'],
    (token) => browser({ cookie: named(token) }),
    BAD_COOKIE,
  ),
  ...each([csrf, value, refresh, BEARER, '', 'x'], (token) => framed({ embed: token }), BAD_EMBED),
  ...each([csrf, value, embed, refresh, 'x'], (bearer) => ({ bearer }), BAD_BEARER),
  ...each(
    [csrf, value, embed, refresh],
    (token) => ({ offers: [`postern.bearer.${token}`] }),
    BAD_BEARER,
  ),
  ['9 KiB of CSRF token', browser({ csrf: 'x'.repeat(9_000) }), BAD_CSRF],
  ['9 KiB of bearer', { bearer: 'x'.repeat(9_000) }, BAD_BEARER],
  ['a CSRF token of other keys', browser({ csrf: csrfOf({ keys: FOREIGN_KEYS }) }), BAD_CSRF],
  ['a cookie of other keys', browser({ cookie: cookieOf({ keys: FOREIGN_KEYS }) }), BAD_COOKIE],
  ['an embed token of other keys', framed({ embed: embedOf({ keys: FOREIGN_KEYS }) }), BAD_EMBED],
  ['a CSRF token of an unknown kid', browser({ csrf: csrfOf({ keys: UNKNOWN_KEYS }) }), BAD_CSRF],
  ['a cookie of an unknown kid', browser({ cookie: cookieOf({ keys: UNKNOWN_KEYS }) }), BAD_COOKIE],
  [
    'an embed token of an unknown kid',
    framed({ embed: embedOf({ keys: UNKNOWN_KEYS }) }),
    BAD_EMBED,
  ],
  ['a malleated CSRF token', browser({ csrf: malleated(csrf) }), BAD_CSRF],
  ['a malleated cookie', browser({ cookie: named(malleated(value)) }), BAD_COOKIE],
  ['a malleated embed token', framed({ embed: malleated(embed) }), BAD_EMBED],
  ['a malleated bearer', { bearer: malleated(BEARER) }, BAD_BEARER],
  [
    'a CSRF token that is over',
    browser({ csrf: csrfOf({ at: -46 }) }),
    '401 JWT expired: csrf_expired',
  ],
  [
    'a cookie that is over',
    browser({ cookie: cookieOf({ at: -56 }) }),
    '401 JWT expired: cookie_expired',
  ],
  [
    'an embed token that is over',
    framed({ embed: embedOf({ at: -46 }) }),
    '401 JWT expired: embed_expired',
  ],
  ['a CSRF token of tomorrow', browser({ csrf: csrfOf({ at: 30 }) }), BAD_CSRF],
  ['a cookie of tomorrow', browser({ cookie: cookieOf({ at: 30 }) }), BAD_COOKIE],
  ['a CSRF token for an hour', browser({ csrf: csrfWith({ exp: inSeconds(3_600) }) }), BAD_CSRF],
  ['a CSRF token without an end', browser({ csrf: csrfWith({ exp: undefined }) }), BAD_CSRF],
  ['a CSRF token for nobody', browser({ csrf: csrfWith({ sub: undefined }) }), BAD_CSRF],
  [
    'a CSRF token for another audience',
    browser({ csrf: csrfWith({ aud: 'postern/cookie' }) }),
    BAD_CSRF,
  ],
  [
    'another page’s CSRF token',
    browser({ csrf: csrfOf({ origin: FRAME }) }),
    '403 Forbidden: origin_mismatch',
  ],
  [
    'another page’s embed token',
    framed({ embed: embedOf({ origin: APP }) }),
    '403 Forbidden: origin_mismatch',
  ],
  ...each(
    ['sub', 'sid', 'iss'],
    (name) => browser({ cookie: cookieOf({ login: { [name]: 'eve' } }) }),
    '401 Binding mismatch: binding_mismatch',
  ),
  ...each(
    ['sub', 'sid', 'iss'],
    (name) => browser({ csrf: csrfOf({ login: { [name]: 'eve' } }) }),
    '401 Binding mismatch: binding_mismatch',
  ),
  [
    'a login that is over',
    browser({ cookie: cookieOf({ login: { authExpiresAt: inSeconds(-1) } }) }),
    '401 JWT expired: auth_expired',
  ],
  [
    'an embedded login that is over',
    framed({ embed: embedOf({ login: { authExpiresAt: inSeconds(-1) } }) }),
    '401 JWT expired: auth_expired',
  ],
  [
    'a login that may nothing',
    browser({ cookie: cookieOf({ login: { scopes: {} } }) }),
    '403 Forbidden: scope_denied',
  ],
];
