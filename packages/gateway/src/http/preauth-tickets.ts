import { failures, SUBPROTOCOL } from '@postern/client/protocol';
import { setCookieLine } from '../auth/auth-cookie.ts';
import type { CookieLife } from '../auth/auth-cookie.ts';
import type { Narrowed } from '../auth/scopes.ts';
import { narrowedScopes } from '../auth/scopes.ts';
import type { Login, Mint, Minted } from '../auth/tickets.ts';
import { mintCookie, mintCsrf, mintEmbed, mintRefresh } from '../auth/tickets.ts';
import type { Headers } from './problem.ts';
import type { Refusal } from './refuse.ts';

/** Somebody who may have tickets, and what for. */
export interface Granted {
  readonly login: Login;
  /** The entries that the page narrowed itself to; undefined: all that its login may. */
  readonly wanted: readonly string[] | undefined;
  /** The session that is to go on by a refresh token; undefined: none is. */
  readonly session: string | undefined;
  /** What is left of the login's scopes by that narrowing. */
  readonly left: Narrowed;
  /** The origin that the tickets are for. */
  readonly page: string;
  /** Where to connect. */
  readonly url: string;
  /** The name of the auth cookie; undefined: none is set, and the page gets an embed token. */
  readonly cookieName: CookieLife['name'] | undefined;
}

/** Tickets on their way: a body, and the headers that go with it. */
export interface Tickets {
  readonly body: object;
  readonly headers: Headers;
}

/** Makes the tickets, or says that the login does not fit into a cookie. */
export function mintTickets(granted: Granted, mint: Mint): Tickets | Refusal {
  const { login, wanted, page, cookieName: name } = granted;
  if (name === undefined) {
    const embed = mintEmbed(standingAlone(granted), page, mint);
    return { body: { embedToken: embed.text, ...aboutIt(embed, granted, mint) }, headers: {} };
  }

  const cookie = mintCookie(login, mint);
  const maxAgeSeconds = secondsLeft(cookie, mint);
  const nowSeconds = Math.floor(mint.nowSeconds);
  const set = setCookieLine(cookie.text, { name, maxAgeSeconds, nowSeconds });
  if ('problem' in set) return { failure: failures.contentTooLarge, text: set.problem };
  const csrf = mintCsrf({ identity: login, origin: page, wanted }, mint);
  const body = { csrfToken: csrf.text, ...aboutIt(csrf, granted, mint) };
  return { body, headers: { 'Set-Cookie': set.line } };
}

/** The login for a ticket with nothing beside it: what the page asked for has no other place. */
function standingAlone({ login, wanted, left }: Granted): Login {
  return wanted === undefined ? login : { ...login, scopes: narrowedScopes(left) };
}

function aboutIt(minted: Minted, granted: Granted, mint: Mint): object {
  const { login, url, session } = granted;
  const refreshToken =
    session === undefined ? undefined : mintRefresh(standingAlone(granted), session, mint).text;
  return {
    ...(refreshToken === undefined ? {} : { refreshToken }),
    expiresIn: secondsLeft(minted, mint),
    url,
    subprotocol: SUBPROTOCOL,
    user: login.sub,
    authExpiresAt: login.authExpiresAt,
  };
}

function secondsLeft({ exp }: Minted, { nowSeconds }: Mint): number {
  return exp - Math.floor(nowSeconds);
}
