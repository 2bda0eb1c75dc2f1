import { failures, parseOffers } from '@postern/client/protocol';
import { COOKIE_NAME, DEV_COOKIE_NAME, findCookie } from '../auth/auth-cookie.ts';
import type { Found } from '../auth/auth-cookie.ts';
import { wsCredentials } from '../auth/credential.ts';
import type { WsCredential } from '../auth/credential.ts';
import type { BroughtBy, OriginFailure, Origins, Whence } from '../auth/origins.ts';
import type { Claims } from '../auth/verify.ts';
import type { V1Visitor } from '../session/admission.ts';
import type { Examine, Knock, Outcome } from './examine.ts';
import { isFetchAllowed } from './fetch-metadata.ts';
import { headerLines } from './header-lines.ts';
import type { Login } from './login.ts';
import { endedMeanwhile, grantTo, loginByBearer, objectionOf } from './login.ts';
import type { RefreshGate, Way } from './refresh.ts';
import { refreshBy } from './refresh.ts';
import type { LateRefusal, Refusal, Refusing } from './refuse.ts';
import { loginByCsrf, loginByEmbed } from './ticket-login.ts';
import type { Transport } from './transport.ts';

/** Whether a ticket that opens one socket is used for the first time. Never rejects. */
export type Spend = (ticket: {
  readonly jti: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
}) => Promise<'first' | 'replayed' | 'unavailable'>;

/** What a handshake of `postern.v1` is held against. */
export interface WsGate extends RefreshGate {
  readonly originOf: Origins['ofHandshake'];
  readonly transportOf: (request: Knock['request']) => Transport;
  readonly spend: Spend;
  readonly options: RefreshGate['options'] & {
    /** Whether a CSRF token opens one socket only; an embed token always does. */
    readonly singleUse: boolean;
  };
}

/** Somebody whose credential holds, and who wants to come in. */
interface Entering {
  readonly login: Login;
  /** By what it goes on later. */
  readonly way: Way;
  /** What is to be spent, where a ticket opens one socket only. */
  readonly once: Parameters<Spend>[0] | undefined;
}

/**
 * Builds the guards of `postern.v1`. Their order is that of docs/protocol.md: who comes from a foreign
 * page learns that, and nothing of what it brought.
 */
export function createWsExamination(gate: WsGate): Examine {
  return async (knock) => {
    const { request, stream, address } = knock;
    const { rawHeaders, headers, url = '' } = request;
    const offers = parseOffers(headerLines(rawHeaders, 'sec-websocket-protocol'));
    if (offers === undefined || !offers.speaksV1) return NOT_OFFERED;

    const cookieName = gate.transportOf(request) === 'loopback' ? DEV_COOKIE_NAME : COOKIE_NAME;
    const cookie = findCookie(rawHeaders, cookieName);
    const { authorization } = headers;
    const brought = wsCredentials({ target: url, authorization, offered: offers.credentials });
    const by = broughtBy(brought, cookie);
    const whence = gate.originOf(rawHeaders, by);
    if (typeof whence === 'string') return { failure: originFailures[whence] };
    if (!isFetchAllowed(headers, by === 'browser' ? 'handshakeWithCookie' : 'handshake'))
      return { failure: failures.fetchDenied };
    const tooMany = gate.turnstile.knock(address, stream);
    if (tooMany !== undefined) return tooMany;

    const outcome = await examineCredential(knock, { brought, cookie, whence }, gate);
    return 'failure' in outcome ? { late: explained(outcome) } : outcome;
  };
}

const NOT_OFFERED: Refusal = {
  failure: failures.badHandshake,
  text: `${failures.badHandshake.reason}: Sec-WebSocket-Protocol must offer postern.v1`,
};

const originFailures = {
  origin_denied: failures.originDenied,
  origin_missing: failures.originMissing,
} as const satisfies Record<OriginFailure, Refusing>;

/** What a browser sends by itself counts most: it is what a foreign page could make use of. */
function broughtBy(brought: readonly WsCredential[], cookie: Found): BroughtBy {
  const kinds = new Set(brought.map(({ kind }) => kind));
  if (kinds.has('csrf')) return 'browser';
  if (kinds.has('embed')) return 'embed';
  if (kinds.has('bearer')) return 'bearer';
  return cookie === 'missing' ? 'bearer' : 'browser';
}

/** What was brought, beside the request, and from where. */
interface Brought {
  readonly brought: readonly WsCredential[];
  readonly cookie: Found;
  readonly whence: Whence;
}

async function examineCredential(
  knock: Knock,
  { brought, cookie, whence }: Brought,
  gate: WsGate,
): Promise<Exclude<Outcome, Refusal> | LateRefusal> {
  const [credential, ...others] = brought;
  if (others.length > 0) return { failure: failures.badMessage, code: 'credential_ambiguous' };
  const byBearer = async (token: string) => {
    const login = await loginByBearer(token, gate);
    return 'failure' in login
      ? login
      : enter({ login, way: 'bearer', once: undefined }, knock, gate);
  };
  if (credential === undefined) {
    // Our own cookie without the token beside it is what a forged request would bring.
    if (cookie !== 'missing') return { failure: failures.unauthorized };
    return { identify: byBearer };
  }
  const { kind, token } = credential;
  if (kind === 'bearer') return byBearer(token);

  const { origin } = whence;
  const login =
    kind === 'csrf'
      ? loginByCsrf({ token, cookie, origin }, gate)
      : loginByEmbed({ token, origin }, gate);
  if ('failure' in login) return login;
  const isOnce = kind === 'embed' || gate.options.singleUse;
  return enter({ login, way: 'ticket', once: isOnce ? login.once : undefined }, knock, gate);
}

/** A login that holds: what it may do here, whether there is room for it, and whether it is the first time. */
async function enter(
  { login, way, once }: Entering,
  { request, stream, address }: Knock,
  gate: WsGate,
): Promise<V1Visitor | LateRefusal> {
  const { claims, expiresAt, authExpiresAt } = login;
  const objection = objectionOf(request, gate);
  const grant = await grantTo(login, objection, gate);
  if ('failure' in grant) return grant;
  const no =
    gate.turnstile.pass(claims, stream) ??
    (await spentBefore(once, claims, gate)) ??
    endedMeanwhile(login, gate);
  if (no !== undefined) return no;
  const refresh = refreshBy(way, objection, gate);
  return { protocol: 'v1', claims, expiresAt, authExpiresAt, grant, address, refresh };
}

/** Asked last, since it burns the ticket; and whoever cannot be asked lets nobody in. */
async function spentBefore(
  once: Entering['once'],
  claims: Claims,
  gate: WsGate,
): Promise<LateRefusal | undefined> {
  if (once === undefined) return undefined;
  const found = await gate.spend(once);
  if (found === 'first') return undefined;
  return found === 'replayed'
    ? { failure: failures.replayed, claims }
    : { failure: failures.backendUnavailable, code: 'replay_store_down', claims };
}

/** Whoever comes from a page of ours is told which part was wrong. */
function explained(refusal: LateRefusal): LateRefusal {
  const { failure, code = failure.code ?? '', text = `${failure.reason}: ${code}` } = refusal;
  return { ...refusal, text };
}
