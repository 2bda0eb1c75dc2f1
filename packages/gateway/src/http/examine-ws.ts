import { failures, LONGEST_TOKEN, parseOffers } from '@postern/client/protocol';
import type { FailureCode } from '@postern/client/protocol';
import { COOKIE_NAME, DEV_COOKIE_NAME, findCookie } from '../auth/auth-cookie.ts';
import { wsCredentials } from '../auth/credential.ts';
import type { WsCredential } from '../auth/credential.ts';
import type { BroughtBy, OriginFailure, Origins, Whence } from '../auth/origins.ts';
import { EVERYTHING, narrowed, scopeRules, scopesOf } from '../auth/scopes.ts';
import { own } from '../auth/decode.ts';
import type { Claims, Verify } from '../auth/verify.ts';
import type { Visitor } from '../session/admission.ts';
import type { Examine, Guard, Knock, Outcome } from './examine.ts';
import { shut, turnedDown } from './examine.ts';
import { isFetchAllowed } from './fetch-metadata.ts';
import { headerLines } from './header-lines.ts';
import type { Refusal, Refusing } from './refuse.ts';
import type { TicketGate } from './ticket-login.ts';
import { loginByCsrf, loginByEmbed } from './ticket-login.ts';
import type { Transport } from './transport.ts';

/** Whether a ticket that opens one socket is used for the first time. Never rejects. */
export type Spend = (ticket: {
  readonly jti: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
}) => Promise<'first' | 'replayed' | 'unavailable'>;

/** What a handshake of `postern.v1` is held against. */
export interface WsGate extends Guard, TicketGate {
  readonly originOf: Origins['ofHandshake'];
  readonly transportOf: (request: Knock['request']) => Transport;
  readonly verify: Verify;
  readonly spend: Spend;
  readonly options: {
    /** Whether channel claims may hold patterns and templates. */
    readonly channelPatterns: boolean;
    /** Whether a CSRF token opens one socket only; an embed token always does. */
    readonly singleUse: boolean;
  };
}

/** Somebody whose credential holds. */
interface Login {
  readonly claims: Claims;
  readonly expiresAt: number | undefined;
  readonly authExpiresAt: number | undefined;
  readonly wanted: readonly string[];
  /** What is to be spent, where a ticket opens one socket only. */
  readonly once: Parameters<Spend>[0] | undefined;
}

const originFailures = {
  origin_denied: failures.originDenied,
  origin_missing: failures.originMissing,
} as const satisfies Record<OriginFailure, Refusing>;

/**
 * Builds the guards of `postern.v1`. Their order is that of docs/security.md: who comes from a foreign
 * page learns that, and nothing of what it brought.
 */
export function createWsExamination(gate: WsGate): Examine {
  return async (knock) => {
    const { request, stream, address } = knock;
    const { rawHeaders, headers, url = '' } = request;
    const offers = parseOffers(headerLines(rawHeaders, 'sec-websocket-protocol'));
    if (offers === undefined || !offers.speaksV1) return NOT_OFFERED;

    const cookieName =
      gate.transportOf(request) === 'loopback' ? DEV_COOKIE_NAME : COOKIE_NAME;
    const cookie = findCookie(rawHeaders, cookieName);
    const { authorization } = headers;
    const brought = wsCredentials({ target: url, authorization, offered: offers.credentials });
    const by = broughtBy(brought, cookie !== 'missing');
    const whence = gate.originOf(rawHeaders, by);
    if (typeof whence === 'string') return { failure: originFailures[whence] };
    if (!isFetchAllowed(headers, by === 'browser' ? 'handshakeWithCookie' : 'handshake'))
      return { failure: failures.fetchDenied };
    const tooMany = gate.turnstile.knock(address, stream);
    if (tooMany !== undefined) return tooMany;

    return saidLate(await examineCredential(knock, { brought, cookie, whence }, gate));
  };
}

/** What was brought, beside the request. */
interface Brought {
  readonly brought: readonly WsCredential[];
  readonly cookie: ReturnType<typeof findCookie>;
  readonly whence: Whence;
}

async function examineCredential(
  knock: Knock,
  { brought, cookie, whence }: Brought,
  gate: WsGate,
): Promise<Outcome> {
  const [credential, ...others] = brought;
  if (others.length > 0) return { failure: failures.badMessage, code: 'credential_ambiguous' };
  if (credential === undefined) {
    // Our own cookie without the token beside it is what a forged request would bring.
    if (cookie !== 'missing') return { failure: failures.unauthorized };
    return { identify: (token) => enterBy(bearerLogin(token, gate), knock, gate) };
  }
  const { kind, token } = credential;
  if (kind === 'bearer') return enterBy(bearerLogin(token, gate), knock, gate);

  const { origin } = whence;
  const ticket =
    kind === 'csrf'
      ? loginByCsrf({ token, cookie, origin }, gate)
      : loginByEmbed({ token, origin }, gate);
  if ('failure' in ticket) return ticket;
  const isSpent = kind === 'embed' || gate.options.singleUse;
  const login = { ...ticket, once: isSpent ? ticket.once : undefined };
  return enterBy(Promise.resolve(login), knock, gate);
}

/** A login that is known, into a visitor: what it may do here, whether there is room, and no second time. */
async function enterBy(
  coming: Promise<Login | Refusal>,
  knock: Knock,
  gate: WsGate,
): Promise<Visitor | Refusal> {
  const login = await coming;
  if ('failure' in login) return login;
  const { claims, expiresAt, authExpiresAt, once } = login;
  const sub = own(claims, 'sub');
  const { channelPatterns: patterns } = gate.options;
  const rules = scopeRules(scopesOf(claims), { sub: typeof sub === 'string' ? sub : '', patterns });
  const left = narrowed(rules, login.wanted);
  const denied = { failure: failures.forbidden, code: 'scope_denied', claims } as const;
  if (left.isEmpty) return denied;

  const names = Object.keys(left.entries);
  const channels = {
    channels: names,
    readable: names.filter((name) => left.entries[name]?.includes('r')),
    writable: names.filter((name) => left.entries[name]?.includes('w')),
  };
  const no =
    (await turnedDown(knock, { claims, ...channels }, gate, { ...denied, code: 'forbidden' })) ??
    gate.turnstile.pass(claims, knock.stream) ??
    (await spentBefore(once, claims, gate));
  if (no !== undefined) return no;

  // Much may have happened while all that was waited for: the last word is had at once.
  const closed = shut(gate);
  if (closed !== undefined) return closed;
  if (authExpiresAt !== undefined && authExpiresAt <= gate.now())
    return { failure: failures.tokenExpired, code: 'auth_expired', claims };
  const entries = Object.entries(left.entries).map(([text, mode]) => ({ text, mode }));
  const grant = { entries, modeOf: left.modeOf };
  return { protocol: 'v1', claims, expiresAt, authExpiresAt, grant, address: knock.address };
}

async function bearerLogin(token: string, gate: WsGate): Promise<Login | Refusal> {
  if (token.length > LONGEST_TOKEN) return { failure: failures.tokenInvalid };
  const verification = await gate.verify(token, gate.now());
  if ('problem' in verification) {
    const { problem, signed: claims } = verification;
    return { failure: failures[problem.failure], claims };
  }
  return { ...verification, authExpiresAt: undefined, wanted: EVERYTHING, once: undefined };
}

/** Asked last, since it burns the ticket; and whoever cannot be asked lets nobody in. */
async function spentBefore(
  once: Login['once'],
  claims: Claims,
  gate: WsGate,
): Promise<Refusal | undefined> {
  if (once === undefined) return undefined;
  const found = await gate.spend(once);
  if (found === 'first') return undefined;
  return found === 'replayed'
    ? { failure: failures.replayed, claims }
    : { failure: failures.backendUnavailable, code: 'replay_store_down', claims };
}

/** What a browser sends by itself counts most: it is what a foreign page could make use of. */
function broughtBy(brought: readonly WsCredential[], hasCookie: boolean): BroughtBy {
  const has = (kind: WsCredential['kind']): boolean => brought.some((one) => one.kind === kind);
  if (has('csrf')) return 'browser';
  if (has('embed')) return 'embed';
  if (has('bearer')) return 'bearer';
  return hasCookie ? 'browser' : 'bearer';
}

const NOT_OFFERED: Refusal = {
  failure: failures.badHandshake,
  text: `${failures.badHandshake.reason}: Sec-WebSocket-Protocol must offer postern.v1`,
};

/** Whoever comes from a page of ours may be told which part was wrong, and by a close code if so set. */
function saidLate(outcome: Outcome): Outcome {
  if (!('failure' in outcome)) return outcome;
  const { failure, text } = outcome;
  const code: FailureCode | undefined = outcome.code ?? failure.code;
  return { ...outcome, isLate: true, text: text ?? `${failure.reason}: ${code ?? ''}` };
}
