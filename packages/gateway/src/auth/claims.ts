import { own } from './decode.ts';
import { tokenProblems } from './problems.ts';
import type { TokenProblem } from './problems.ts';
import type { Claims, Token } from './token.ts';

/** What a token must say, beside being signed. */
export interface ClaimRules {
  /** Accepted `aud` values; one of the token's must be among them. Empty: `aud` is not checked. */
  readonly audiences: readonly string[];
  /** Accepted `iss` values. Empty: `iss` is not checked. */
  readonly issuers: readonly string[];
  /** Accepted `typ` headers, compared as media types. Empty: `typ` is not checked. */
  readonly types: readonly string[];
  /** Whether a token without `exp` is refused. */
  readonly requireExp: boolean;
  /** Claims that must be there, and be neither null nor the empty text. Empty: none. */
  readonly requireClaims: readonly string[];
  /** Seconds that a token counts beyond its `exp`. 0: none. */
  readonly expLeewaySeconds: number;
  /** Seconds that `nbf` and `iat` may lie ahead, since clocks differ. 0: none. */
  readonly clockLeewaySeconds: number;
}

/** No token is meant to live this long; one in milliseconds seems to. */
export const LONGEST_LIFE_SECONDS = 10 * 365.25 * 86_400;

/**
 * Checks the claims of a token against the rules, at `nowSeconds` in UNIX time. Returns its `exp` in
 * UNIX seconds, without leeway, or the first problem.
 */
export function checkClaims(
  { type, claims }: Token,
  rules: ClaimRules,
  nowSeconds: number,
): { readonly expiresAt: number | undefined } | { readonly problem: TokenProblem } {
  const exp = own(claims, 'exp');
  const nbf = own(claims, 'nbf');
  const iat = own(claims, 'iat');
  const audiences = asList(own(claims, 'aud'));

  if (!isOptionalDate(exp)) return { problem: tokenProblems.malformedExp };
  if (!isOptionalDate(nbf)) return { problem: tokenProblems.malformedNbf };
  if (!isOptionalDate(iat)) return { problem: tokenProblems.malformedIat };
  if (exp !== undefined && exp > nowSeconds + LONGEST_LIFE_SECONDS)
    return { problem: tokenProblems.absurdExp };
  if (rules.audiences.length > 0 && !audiences.every((value) => typeof value === 'string'))
    return { problem: tokenProblems.malformedAud };

  if (exp === undefined && rules.requireExp) return { problem: tokenProblems.missingExp };
  if (exp !== undefined && exp + rules.expLeewaySeconds <= nowSeconds)
    return { problem: tokenProblems.expired };
  if (nbf !== undefined && nbf > nowSeconds + rules.clockLeewaySeconds)
    return { problem: tokenProblems.notYetValid };
  if (iat !== undefined && iat > nowSeconds + rules.clockLeewaySeconds)
    return { problem: tokenProblems.issuedInFuture };

  if (!isOneOf(rules.issuers, [own(claims, 'iss')])) return { problem: tokenProblems.wrongIssuer };
  if (!isOneOf(rules.audiences, audiences)) return { problem: tokenProblems.wrongAudience };
  if (!isOneOf(rules.types.map(mediaType), type === undefined ? [] : [mediaType(type)]))
    return { problem: tokenProblems.wrongType };
  if (!rules.requireClaims.every((name) => hasValue(claims, name)))
    return { problem: tokenProblems.missingClaim };
  return { expiresAt: exp };
}

/** A JSON number too large for a double, such as 1e400, is parsed as Infinity. */
function isOptionalDate(value: unknown): value is number | undefined {
  return value === undefined || Number.isFinite(value);
}

/** RFC 7519 §4.1.3: one audience may stand there without its list. */
function asList(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** Whether the token says one of the accepted values, where any are configured. */
function isOneOf(accepted: readonly string[], said: readonly unknown[]): boolean {
  return accepted.length === 0 || accepted.some((value) => said.includes(value));
}

/** RFC 7515 §4.1.9: `application/` may be left out, and case says nothing. */
function mediaType(text: string): string {
  const type = text.toLowerCase();
  return type.includes('/') ? type : `application/${type}`;
}

function hasValue(claims: Claims, name: string): boolean {
  const value = own(claims, name);
  return value !== undefined && value !== null && value !== '';
}
