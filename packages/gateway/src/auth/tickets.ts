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
/** No ticket lives longer, whatever is signed. */
const LONGEST_LIFE_SECONDS = 60;

const audiences = {
  cookie: 'postern/cookie',
  csrf: 'postern/ws',
  embed: 'postern/embed',
} as const satisfies Partial<Record<TokenPurpose, string>>;

type TicketPurpose = keyof typeof audiences;

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

function seal(purpose: TicketPurpose, claims: JsonObject, { keys, nowSeconds }: Mint): Minted {
  const iat = Math.floor(nowSeconds);
  const exp = iat + (purpose === 'cookie' ? COOKIE_SECONDS : TOKEN_SECONDS);
  const whole = { ...claims, aud: audiences[purpose], iat, exp };
  return { text: sealToken(purpose, whole, keys), exp };
}

/** What all kinds have in common. A life that is over is still a life: see {@link unlessOver}. */
function open(
  purpose: TicketPurpose,
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
  const { iss, sub, sid, scopes, ajti, authIssuedAt, authExpiresAt } = login;
  return { iss, sub, sid, scp: scopes, ajti, aiat: authIssuedAt, aexp: authExpiresAt };
}

function loginOf(claims: JsonObject): Login | undefined {
  const [iss, sub, sid, ajti] = ['iss', 'sub', 'sid', 'ajti'].map((name) => own(claims, name));
  const scopes = asObject(own(claims, 'scp'));
  const authIssuedAt = own(claims, 'aiat');
  const authExpiresAt = own(claims, 'aexp');
  if (typeof iss !== 'string' || !isFilled(sub) || typeof sid !== 'string') return undefined;
  if (ajti !== undefined && typeof ajti !== 'string') return undefined;
  if (scopes === undefined || !isTime(authIssuedAt) || !isTime(authExpiresAt)) return undefined;
  return { iss, sub, sid, scopes, ajti, authIssuedAt, authExpiresAt };
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
