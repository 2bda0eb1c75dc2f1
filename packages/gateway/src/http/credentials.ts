import type { IncomingMessage } from 'node:http';
import { failures } from '@postern/client/protocol';
import { COOKIE_NAME, DEV_COOKIE_NAME, findCookie } from '../auth/auth-cookie.ts';
import type { Found } from '../auth/auth-cookie.ts';
import { wsCredentials } from '../auth/credential.ts';
import type { WsCredential } from '../auth/credential.ts';
import type { BroughtBy, OriginFailure, Origins } from '../auth/origins.ts';
import type { Claims } from '../auth/verify.ts';
import type { V1Grant } from '../session/v1.ts';
import type { Login } from './login.ts';
import { endedMeanwhile, grantTo, loginByBearer, objectionOf } from './login.ts';
import type { Objection } from './login.ts';
import type { Closable } from './places.ts';
import type { RefreshGate, Way } from './refresh.ts';
import type { LateRefusal, Refusing } from './refuse.ts';
import { loginByCsrf, loginByEmbed } from './ticket-login.ts';
import type { Transport } from './transport.ts';

/** Whether a ticket that opens one socket is used for the first time. Never rejects. */
export type Spend = (ticket: {
  readonly jti: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
}) => Promise<'first' | 'replayed' | 'unavailable'>;

/** What credentials are held against, however the messages travel that they are shown for. */
export interface CredentialGate extends RefreshGate {
  readonly originOf: Origins['ofHandshake'];
  readonly transportOf: (request: IncomingMessage) => Transport;
  readonly spend: Spend;
  readonly options: RefreshGate['options'] & {
    /** Whether a CSRF token opens one socket only; an embed token always does. */
    readonly singleUse: boolean;
  };
}

/** What a request shows. */
export interface Brought {
  readonly credentials: readonly WsCredential[];
  readonly cookie: Found;
  readonly by: BroughtBy;
}

/** All that a request shows, beside what its subprotocols offer. Nothing is verified. */
export function broughtIn(
  request: IncomingMessage,
  offered: readonly WsCredential[],
  gate: Pick<CredentialGate, 'transportOf'>,
): Brought {
  const { rawHeaders, headers, url = '' } = request;
  const cookieName = gate.transportOf(request) === 'loopback' ? DEV_COOKIE_NAME : COOKIE_NAME;
  const cookie = findCookie(rawHeaders, cookieName);
  const credentials = wsCredentials({ target: url, authorization: headers.authorization, offered });
  return { credentials, cookie, by: broughtBy(credentials, cookie) };
}

/** What a browser sends by itself counts most: it is what a foreign page could make use of. */
function broughtBy(credentials: readonly WsCredential[], cookie: Found): BroughtBy {
  const kinds = new Set(credentials.map(({ kind }) => kind));
  if (kinds.has('csrf')) return 'browser';
  if (kinds.has('embed')) return 'embed';
  if (kinds.has('bearer')) return 'bearer';
  return cookie === 'missing' ? 'bearer' : 'browser';
}

/** The failure for each reason that an origin is refused for. */
export const originFailures = {
  origin_denied: failures.originDenied,
  origin_missing: failures.originMissing,
} as const satisfies Record<OriginFailure, Refusing>;

/** Somebody whose credential holds, and who wants to come in. */
export interface Entering {
  readonly login: Login;
  /** By what it goes on later. */
  readonly way: Way;
  /** What is to be spent, where a ticket opens one socket only. */
  readonly once: Parameters<Spend>[0] | undefined;
}

/** Whose credential it is, that a page of this origin shows; undefined: there is none, of nobody. */
export async function identified(
  { credentials, cookie }: Brought,
  origin: string | undefined,
  gate: CredentialGate,
): Promise<Entering | LateRefusal | undefined> {
  const [credential, ...others] = credentials;
  if (others.length > 0) return { failure: failures.badMessage, code: 'credential_ambiguous' };
  if (credential === undefined) {
    // Our own cookie without the token beside it is what a forged request would bring.
    return cookie === 'missing' ? undefined : { failure: failures.unauthorized };
  }
  const { kind, token } = credential;
  if (kind === 'bearer') return identifiedByBearer(token, gate);

  const login =
    kind === 'csrf'
      ? loginByCsrf({ token, cookie, origin }, gate)
      : loginByEmbed({ token, origin }, gate);
  if ('failure' in login) return login;
  const isOnce = kind === 'embed' || gate.options.singleUse;
  return { login, way: 'ticket', once: isOnce ? login.once : undefined };
}

/** The same of a token of the site's own. */
export async function identifiedByBearer(
  token: string,
  gate: CredentialGate,
): Promise<Entering | LateRefusal> {
  const login = await loginByBearer(token, gate);
  return 'failure' in login ? login : { login, way: 'bearer', once: undefined };
}

/** Somebody whom nothing speaks against. */
export interface Cleared {
  readonly grant: V1Grant;
  readonly objection: Objection;
}

/** Where somebody wants to enter, and by which request. */
export interface Entrance {
  readonly request: IncomingMessage;
  readonly stream: Closable;
  /** What speaks against all that the request asks for, once it is known what may be done here. */
  readonly objectTo?: (grant: V1Grant) => LateRefusal | undefined;
}

/** A login that holds: what it may do here, whether there is room for it, and whether it is the first time. */
export async function cleared(
  { login, once }: Entering,
  { request, stream, objectTo }: Entrance,
  gate: CredentialGate,
): Promise<Cleared | LateRefusal> {
  const { claims } = login;
  const objection = objectionOf(request, gate);
  const grant = await grantTo(login, objection, gate);
  if ('failure' in grant) return grant;
  const no =
    objectTo?.(grant) ??
    gate.turnstile.pass(claims, stream) ??
    (await spentBefore(once, claims, gate)) ??
    endedMeanwhile(login, gate);
  return no ?? { grant, objection };
}

/** Asked last, since it burns the ticket; and whoever cannot be asked lets nobody in. */
async function spentBefore(
  once: Entering['once'],
  claims: Claims,
  gate: CredentialGate,
): Promise<LateRefusal | undefined> {
  if (once === undefined) return undefined;
  const found = await gate.spend(once);
  if (found === 'first') return undefined;
  return found === 'replayed'
    ? { failure: failures.replayed, claims }
    : { failure: failures.backendUnavailable, code: 'replay_store_down', claims };
}
