import { randomBytes } from 'node:crypto';
import { cidOf } from './binding.ts';
import type { Identity } from './binding.ts';
import { asObject, decodeBase64url, own } from './decode.ts';
import type { JsonObject } from './decode.ts';
import type { Scopes } from './scopes.ts';
import { openToken, sealToken } from './signed-token.ts';
import type { TokenPurpose } from './signed-token.ts';
import type { SigningKeys } from './signing-keys.ts';

/** Who logged in to the site, what that allows here, and until when. */
export interface Login extends Identity {
  readonly scopes: Scopes;
  /** `jti` of the site's own token, by which it can be revoked. */
  readonly ajti: string | undefined;
  /** When the site's own token was issued, in UNIX seconds: it can be revoked by that. 0: nobody knows. */
  readonly authIssuedAt: number;
  /** When the site's own authentication ends, in UNIX seconds. Finite. */
  readonly authExpiresAt: number;
}

/** The entries that one tab asked for; `undefined`: all that its login may. */
export type Wanted = readonly string[] | undefined;

/** When a ticket was made and when it ends, in UNIX seconds, and which key signed it. */
export interface Life {
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly kid: string;
}

/** What an auth cookie holds. */
export interface CookieTicket extends Login, Life {}

/** What a CSRF token holds. */
export interface CsrfTicket extends Life {
  /** Names the login whose auth cookie must come with it. */
  readonly cid: string;
  /** 128 random bits: no two tokens have the same. */
  readonly jti: string;
  /** The origin of the page that it was made for. */
  readonly origin: string;
  readonly wanted: Wanted;
}

/** What an embed token holds. */
export interface EmbedTicket extends Login, Life {
  readonly jti: string;
  readonly origin: string;
}

/** What a refresh token holds: what of a login may have changed since the session began. */
export interface RefreshTicket extends Omit<Login, keyof Identity>, Life {
  /** Names the login, as a CSRF token does: who that is, the session knows. */
  readonly cid: string;
  /** The session that may go on by it, and no other. */
  readonly session: string;
}

/** A token as it is handed out, and its end in UNIX seconds. */
export interface Minted {
  readonly text: string;
  readonly exp: number;
}

/** What minting stands on. */
export interface Mint {
  readonly keys: SigningKeys;
  readonly nowSeconds: number;
}

/** What opening stands on. */
export interface Opener extends Mint {
  /** Seconds that `iat` may lie ahead, since clocks differ. */
  readonly clockLeewaySeconds: number;
}

/** Why a ticket does not count. */
export type NoTicket = 'invalid' | 'expired';

/** Seconds that an auth cookie lives: longer than the tokens, so that it is there when they are used. */
const COOKIE_SECONDS = 55;
/** Seconds that a page has to use its token. */
const TOKEN_SECONDS = 45;
/** Seconds that a page has to show its refresh token: it is connected already. */
const REFRESH_SECONDS = 30;
/** No ticket lives longer, whatever is signed. */
const LONGEST_LIFE_SECONDS = 60;

const audiences = {
  cookie: 'postern/cookie',
  csrf: 'postern/ws',
  embed: 'postern/embed',
  refresh: 'postern/refresh',
} as const satisfies Record<TokenPurpose, string>;

const lives: Readonly<Record<TokenPurpose, number>> = {
  cookie: COOKIE_SECONDS,
  csrf: TOKEN_SECONDS,
  embed: TOKEN_SECONDS,
  refresh: REFRESH_SECONDS,
};

/** Makes the auth cookie of a login. */
export function mintCookie(login: Login, mint: Mint): Minted {
  const cid = cidOf(login, mint.keys.newest, mint.keys);
  return seal('cookie', { ...loginClaims(login), cid }, mint);
}

/** Makes the CSRF token of one page, bound to a login. */
export function mintCsrf(
  page: { readonly identity: Identity; readonly origin: string; readonly wanted: Wanted },
  mint: Mint,
): Minted {
  const sub = cidOf(page.identity, mint.keys.newest, mint.keys);
  const { identity, origin, wanted } = page;
  return seal('csrf', { iss: identity.iss, sub, jti: newJti(), ori: origin, scp: wanted }, mint);
}

/** Makes the embed token of one page, which stands alone. */
export function mintEmbed(login: Login, origin: string, mint: Mint): Minted {
  return seal('embed', { ...loginClaims(login), ori: origin, jti: newJti() }, mint);
}

/** Makes the refresh token of one session. */
export function mintRefresh(login: Login, session: string, mint: Mint): Minted {
  const sub = cidOf(login, mint.keys.newest, mint.keys);
  const claims = { iss: login.iss, sub, cnx: session, jti: newJti(), ...heldClaims(login) };
  return seal('refresh', claims, mint);
}

/** Opens an auth cookie. */
export function openCookie(text: string, opener: Opener): CookieTicket | NoTicket {
  const opened = open('cookie', text, opener);
  const login = opened === undefined ? undefined : loginOf(opened.claims);
  if (opened === undefined || login === undefined) return 'invalid';

  const { claims, life } = opened;
  if (own(claims, 'cid') !== cidOf(login, life.kid, opener.keys)) return 'invalid';
  return unlessOver({ ...login, ...life }, opener);
}

/** Opens a CSRF token. Whether it belongs to a cookie is for `isBound` to say. */
export function openCsrf(text: string, opener: Opener): CsrfTicket | NoTicket {
  const opened = open('csrf', text, opener);
  if (opened === undefined) return 'invalid';

  const { claims, life } = opened;
  const [iss, cid, jti, origin] = ['iss', 'sub', 'jti', 'ori'].map((name) => own(claims, name));
  const wanted = own(claims, 'scp');
  if (typeof iss !== 'string' || !isId(cid) || !isId(jti) || !isFilled(origin)) return 'invalid';
  if (!isWanted(wanted)) return 'invalid';
  return unlessOver({ cid, jti, origin, wanted, ...life }, opener);
}

/** Opens an embed token. */
export function openEmbed(text: string, opener: Opener): EmbedTicket | NoTicket {
  const opened = open('embed', text, opener);
  const login = opened === undefined ? undefined : loginOf(opened.claims);
  if (opened === undefined || login === undefined) return 'invalid';

  const { claims, life } = opened;
  const jti = own(claims, 'jti');
  const origin = own(claims, 'ori');
  if (!isId(jti) || !isFilled(origin)) return 'invalid';
  return unlessOver({ ...login, jti, origin, ...life }, opener);
}

/** Opens a refresh token. Whether it belongs to the login of a session is for `isBound` to say. */
export function openRefresh(text: string, opener: Opener): RefreshTicket | NoTicket {
  const opened = open('refresh', text, opener);
  const held = opened === undefined ? undefined : heldOf(opened.claims);
  if (opened === undefined || held === undefined) return 'invalid';

  const { claims, life } = opened;
  const [cid, session, jti] = ['sub', 'cnx', 'jti'].map((name) => own(claims, name));
  if (!isId(cid) || !isFilled(session) || !isId(jti)) return 'invalid';
  return unlessOver({ ...held, cid, session, ...life }, opener);
}

function seal(purpose: TokenPurpose, claims: JsonObject, { keys, nowSeconds }: Mint): Minted {
  const iat = Math.floor(nowSeconds);
  const exp = iat + lives[purpose];
  const whole = { ...claims, aud: audiences[purpose], iat, exp };
  return { text: sealToken(purpose, whole, keys), exp };
}

/** What all kinds have in common. A life that is over is still a life: see {@link unlessOver}. */
function open(
  purpose: TokenPurpose,
  text: string,
  { keys, nowSeconds, clockLeewaySeconds }: Opener,
): { readonly claims: JsonObject; readonly life: Life } | undefined {
  const opened = openToken(text, purpose, keys);
  if (opened === undefined) return undefined;

  const { claims, kid } = opened;
  const issuedAt = own(claims, 'iat');
  const expiresAt = own(claims, 'exp');
  if (own(claims, 'aud') !== audiences[purpose]) return undefined;
  if (!isSecond(issuedAt) || !isSecond(expiresAt)) return undefined;
  if (issuedAt > nowSeconds + clockLeewaySeconds) return undefined;
  if (expiresAt <= issuedAt || expiresAt - issuedAt > LONGEST_LIFE_SECONDS) return undefined;
  return { claims, life: { issuedAt, expiresAt, kid } };
}

/** Asked last: who hears that a ticket has expired may believe that nothing else is wrong with it. */
function unlessOver<Ticket extends Life>(ticket: Ticket, { nowSeconds }: Opener) {
  return ticket.expiresAt <= nowSeconds ? 'expired' : ticket;
}

function loginClaims(login: Login): JsonObject {
  const { iss, sub, sid } = login;
  return { iss, sub, sid, ...heldClaims(login) };
}

function heldClaims({ scopes, ajti, authIssuedAt, authExpiresAt }: Login): JsonObject {
  return { scp: scopes, ajti, aiat: authIssuedAt, aexp: authExpiresAt };
}

function loginOf(claims: JsonObject): Login | undefined {
  const [iss, sub, sid] = ['iss', 'sub', 'sid'].map((name) => own(claims, name));
  const held = heldOf(claims);
  if (typeof iss !== 'string' || !isFilled(sub) || typeof sid !== 'string') return undefined;
  return held === undefined ? undefined : { iss, sub, sid, ...held };
}

/** What a ticket holds of a login beside who it is. */
function heldOf(claims: JsonObject): Omit<Login, keyof Identity> | undefined {
  const ajti = own(claims, 'ajti');
  const scopes = asObject(own(claims, 'scp'));
  const authIssuedAt = own(claims, 'aiat');
  const authExpiresAt = own(claims, 'aexp');
  if (ajti !== undefined && typeof ajti !== 'string') return undefined;
  if (scopes === undefined || !isTime(authIssuedAt) || !isTime(authExpiresAt)) return undefined;
  return { scopes, ajti, authIssuedAt, authExpiresAt };
}

function newJti(): string {
  return randomBytes(16).toString('base64url');
}

/** A `jti` or a `cid`: 128 bits. */
function isId(value: unknown): value is string {
  return typeof value === 'string' && decodeBase64url(value)?.length === 16;
}

function isFilled(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isSecond(value: unknown): value is number {
  return isTime(value) && Number.isSafeInteger(value);
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isWanted(value: unknown): value is Wanted {
  return value === undefined || (Array.isArray(value) && value.every(isFilled));
}
