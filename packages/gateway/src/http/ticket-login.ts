import { failures } from '@postern/client/protocol';
import { isBound } from '../auth/binding.ts';
import type { Identity } from '../auth/binding.ts';
import type { Found } from '../auth/auth-cookie.ts';
import { own } from '../auth/decode.ts';
import { EVERYTHING } from '../auth/scopes.ts';
import type { SigningKeys } from '../auth/signing-keys.ts';
import { openCookie, openCsrf, openEmbed, openRefresh } from '../auth/tickets.ts';
import type { Life, Login, NoTicket, Opener } from '../auth/tickets.ts';
import type { Claims } from '../auth/verify.ts';
import type { Denial } from '../session/auth-wait.ts';
import type { LateRefusal } from './refuse.ts';

/** What tickets are opened by. */
export interface TicketGate {
  readonly keys: SigningKeys;
  /** UNIX seconds. */
  readonly now: () => number;
  /** Seconds that `iat` may lie ahead. */
  readonly clockLeewaySeconds: number;
}

/** Somebody who logged in to the site, by what tickets say. */
interface TicketLogin {
  readonly claims: Claims;
  readonly expiresAt: undefined;
  readonly authExpiresAt: number;
  readonly wanted: readonly string[];
  readonly once: Life & { readonly jti: string };
}

/** A CSRF token, the auth cookie that has to be with it, and the page that both came from. */
interface CsrfWay {
  readonly token: string;
  readonly cookie: Found;
  readonly origin: string | undefined;
}

/** The way of a browser: the token proves the page, the cookie the user, and each names the other. */
export function loginByCsrf(
  { token, cookie: found, origin }: CsrfWay,
  gate: TicketGate,
): TicketLogin | LateRefusal {
  if (found === 'missing') return { failure: failures.unauthorized, code: 'cookie_missing' };
  if (found === 'ambiguous') return { failure: failures.badMessage, code: 'cookie_ambiguous' };

  const opener = openerOf(gate);
  const csrf = openCsrf(token, opener);
  if (typeof csrf === 'string') return refusalFor('csrf', csrf);
  if (csrf.origin !== origin) return { failure: failures.forbidden, code: 'origin_mismatch' };

  const cookie = openCookie(found.value, opener);
  if (typeof cookie === 'string') return refusalFor('cookie', cookie);
  if (!isBound(csrf, cookie, gate.keys)) return { failure: failures.bindingMismatch };
  return withOnce(loginOf(cookie, csrf.wanted ?? EVERYTHING, opener), csrf);
}

/** The way of a page that another site frames: its token stands alone, and opens one socket. */
export function loginByEmbed(
  { token, origin }: { readonly token: string; readonly origin: string | undefined },
  gate: TicketGate,
): TicketLogin | LateRefusal {
  const opener = openerOf(gate);
  const embed = openEmbed(token, opener);
  if (typeof embed === 'string') return refusalFor('embed', embed);
  if (embed.origin !== origin) return { failure: failures.forbidden, code: 'origin_mismatch' };
  return withOnce(loginOf(embed, EVERYTHING, opener), embed);
}

/** A refresh token, and the session that it was shown on. */
interface RefreshWay {
  readonly token: string;
  readonly id: string;
  readonly claims: Claims;
}

/** The way on: the token is for this session alone, and for who began it. */
export function loginByRefresh(
  { token, id, claims }: RefreshWay,
  gate: TicketGate,
): Omit<TicketLogin, 'once'> | Denial {
  const opener = openerOf(gate);
  const refresh = openRefresh(token, opener);
  if (typeof refresh === 'string') return refusalFor('refresh', refresh);
  if (refresh.session !== id) return refusalFor('refresh', 'invalid');
  const identity = identityOf(claims);
  if (!isBound(refresh, identity, gate.keys)) return IDENTITY_CHANGED;
  return loginOf({ ...identity, ...refresh }, EVERYTHING, opener);
}

/** The token is good, and somebody else’s. */
export const IDENTITY_CHANGED: Denial = { failure: failures.identityChanged };

/** Who a session began as, by claims that {@link claimsOf} made. */
function identityOf(claims: Claims): Identity {
  const [iss = '', sub = '', sid = ''] = ['iss', 'sub', 'sid'].map((name) => {
    const value = own(claims, name);
    return typeof value === 'string' ? value : undefined;
  });
  return { iss, sub, sid };
}

function loginOf(
  { authIssuedAt, authExpiresAt, ...login }: Login,
  wanted: readonly string[],
  { nowSeconds }: Opener,
): Omit<TicketLogin, 'once'> | LateRefusal {
  const claims = claimsOf(login, authIssuedAt);
  if (authExpiresAt <= nowSeconds)
    return { failure: failures.tokenExpired, code: 'auth_expired', claims };
  return { claims, expiresAt: undefined, authExpiresAt, wanted };
}

function withOnce(
  login: Omit<TicketLogin, 'once'> | LateRefusal,
  once: TicketLogin['once'],
): TicketLogin | LateRefusal {
  return 'failure' in login ? login : { ...login, once };
}

/** The claims of the site's token, as far as a ticket carries them. */
function claimsOf(
  { iss, sub, sid, ajti, scopes }: Omit<Login, 'authIssuedAt' | 'authExpiresAt'>,
  iat: number,
): Claims {
  const { with: values, ...channels } = scopes;
  return {
    ...(typeof values === 'object' ? values : {}),
    ...channels,
    ...(iss === '' ? {} : { iss }),
    sub,
    ...(sid === '' ? {} : { sid }),
    ...(ajti === undefined ? {} : { jti: ajti }),
    iat,
  };
}

function openerOf({ keys, now, clockLeewaySeconds }: TicketGate): Opener {
  return { keys, nowSeconds: now(), clockLeewaySeconds };
}

function refusalFor(kind: 'csrf' | 'cookie' | 'embed' | 'refresh', problem: NoTicket): LateRefusal {
  return problem === 'expired'
    ? { failure: failures.tokenExpired, code: `${kind}_expired` }
    : { failure: failures.unauthorized, code: `${kind}_invalid` };
}
