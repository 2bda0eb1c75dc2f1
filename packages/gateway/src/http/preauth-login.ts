import { failures } from '@postern/client/protocol';
import { LONGEST_LIFE_SECONDS } from '../auth/claims.ts';
import { own } from '../auth/decode.ts';
import { issuedAtOf } from '../auth/revocation.ts';
import { scopesOf } from '../auth/scopes.ts';
import type { Login } from '../auth/tickets.ts';
import type { Claims } from '../auth/verify.ts';
import type { Refusal } from './refuse.ts';

/** How long logins count. */
export interface LoginRules {
  /** Seconds that a login counts beyond its `exp`, as at the handshake. */
  readonly expLeeway: number;
  /** Seconds that a login counts which names no end; 0: as long as a token may. */
  readonly maxConnectionAge: number;
}

/** The login that claims stand for, at `nowSeconds` in UNIX time. */
export function loginOf(claims: Claims, rules: LoginRules, nowSeconds: number): Login | Refusal {
  const [sub, iss, sid, jti] = ['sub', 'iss', 'sid', 'jti'].map((name) => own(claims, name));
  // By each of these somebody may be told apart, counted or revoked: none is passed over for its type.
  if (typeof sub !== 'string' || sub === '') return { failure: failures.forbidden, claims };
  if (!isOptionalText(iss) || !isOptionalText(sid) || !isOptionalText(jti))
    return { failure: failures.forbidden, claims };

  const authExpiresAt = endOf(claims, rules, nowSeconds);
  if (authExpiresAt <= nowSeconds)
    return { failure: failures.tokenExpired, code: 'auth_expired', claims };
  return {
    iss: iss ?? '',
    sub,
    sid: sid ?? '',
    scopes: scopesOf(claims),
    ajti: jti,
    authIssuedAt: issuedAtOf(claims),
    authExpiresAt,
  };
}

function endOf(claims: Claims, rules: LoginRules, nowSeconds: number): number {
  const exp = own(claims, 'exp');
  if (typeof exp === 'number') return exp + rules.expLeeway;
  return nowSeconds + (rules.maxConnectionAge || LONGEST_LIFE_SECONDS);
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}
