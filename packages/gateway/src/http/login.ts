import type { IncomingMessage } from 'node:http';
import { failures, LONGEST_TOKEN } from '@postern/client/protocol';
import { own } from '../auth/decode.ts';
import { EVERYTHING, narrowed, scopeRules, scopesOf } from '../auth/scopes.ts';
import type { Claims, Verify } from '../auth/verify.ts';
import type { V1Grant } from '../session/v1.ts';
import type { Applicant } from './authorize.ts';
import type { Guard } from './examine.ts';
import { turnedDown } from './examine.ts';
import type { LateRefusal } from './refuse.ts';

/** Somebody on `postern.v1` whose credential holds. */
export interface Login {
  readonly claims: Claims;
  /** The end of a token, in UNIX seconds; undefined: it has none, or a ticket was shown. */
  readonly expiresAt: number | undefined;
  /** The end of the login behind a ticket; undefined: a token was shown. */
  readonly authExpiresAt: number | undefined;
  /** The entries that it narrowed itself to. */
  readonly wanted: readonly string[];
}

/** What logins are held against. */
export interface LoginGate extends Guard {
  readonly verify: Verify;
  /** UNIX seconds. */
  readonly now: () => number;
  readonly options: {
    /** Whether channel claims may hold patterns and templates. */
    readonly channelPatterns: boolean;
  };
}

/** What the embedding program has against a login, if anything. Never rejects. */
export type Objection = (applicant: Omit<Applicant, 'request'>) => Promise<LateRefusal | undefined>;

/** Somebody who shows a token of the site's own. */
export async function loginByBearer(token: string, gate: LoginGate): Promise<Login | LateRefusal> {
  if (token.length > LONGEST_TOKEN) return { failure: failures.tokenInvalid };
  const verification = await gate.verify(token, gate.now());
  if ('problem' in verification)
    return { failure: failures[verification.problem.failure], claims: verification.signed };
  return { ...verification, authExpiresAt: undefined, wanted: EVERYTHING };
}

const noObjection: Objection = () => Promise.resolve(undefined);

/** The objections of a program that is told of a handshake. Without a program nothing of it is kept. */
export function objectionOf(request: IncomingMessage, gate: Guard): Objection {
  return gate.authorize === undefined ? noObjection : objectionBy(request, gate);
}

/** A function of its own: whatever is made in a call keeps all alive that anything made in it needs. */
function objectionBy(request: IncomingMessage, gate: Guard): Objection {
  return (applicant) => {
    const { claims } = applicant;
    return turnedDown({ request, ...applicant }, gate, { failure: failures.forbidden, claims });
  };
}

/** What a login may do here, or what speaks against it. */
export async function grantTo(
  { claims, wanted }: Login,
  objection: Objection,
  gate: LoginGate,
): Promise<V1Grant | LateRefusal> {
  if (gate.isRevoked(claims)) return { failure: failures.revoked, claims };
  const sub = own(claims, 'sub');
  const { channelPatterns: patterns } = gate.options;
  const rules = scopeRules(scopesOf(claims), { sub: typeof sub === 'string' ? sub : '', patterns });
  const { isEmpty, ...grant } = narrowed(rules, wanted);
  if (isEmpty) return { failure: failures.forbidden, code: 'scope_denied', claims };
  return (await objection({ claims, ...listed(grant.entries) })) ?? grant;
}

/** What speaks against a login by now: much may have happened while others were asked. */
export function endedMeanwhile(
  { claims, authExpiresAt = Infinity }: Login,
  gate: LoginGate,
): LateRefusal | undefined {
  if (authExpiresAt <= gate.now())
    return { failure: failures.tokenExpired, code: 'auth_expired', claims };
  return gate.isRevoked(claims) ? { failure: failures.revoked, claims } : undefined;
}

/** What is granted, as an embedding program is told of it. */
function listed(entries: V1Grant['entries']): Omit<Applicant, 'request' | 'claims'> {
  const channels = Object.keys(entries);
  const having = (mode: 'r' | 'w'): readonly string[] =>
    channels.filter((name) => entries[name]?.includes(mode));
  return { channels, readable: having('r'), writable: having('w') };
}
