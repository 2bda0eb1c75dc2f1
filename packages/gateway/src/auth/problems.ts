import { failures } from '@postern/client/protocol';
import type { EndingName, RefusalName } from '@postern/client/protocol';

/** One thing that can be wrong with a token. */
export interface TokenProblem {
  /** The failure it is answered with. */
  readonly failure: RefusalName & EndingName;
  /**
   * The body of the 400 on the raw protocol: what postgres-websockets answers where it refuses too
   * (docs/protocol.md §1.2). Constant, so that nothing of a token is ever sent back.
   */
  readonly raw: string;
}

/** Everything that can be wrong with a token, and how each is answered. */
export const tokenProblems = {
  // The form
  notThreeParts: {
    failure: 'tokenInvalid',
    raw: 'Error: JWSError expected three parts, separated by dots',
  },
  notBase64url: {
    failure: 'tokenInvalid',
    raw: 'Error: JWSError expected canonical base64url without padding',
  },
  malformedHeader: {
    failure: 'tokenInvalid',
    raw: 'Error: JWSError expected a header that is a JSON object with alg, kid and typ as text',
  },
  malformedPayload: {
    failure: 'tokenInvalid',
    raw: 'Error: JWSError expected a payload that is a JSON object',
  },
  deepPayload: {
    failure: 'tokenInvalid',
    raw: 'Error: JWSError expected claims that nest at most 64 deep',
  },
  criticalHeader: {
    failure: 'tokenInvalid',
    raw: 'Error: JWSError expected no crit: no header extension is understood',
  },

  // The signature
  unsigned: { failure: 'tokenInvalid', raw: 'Error: JWSError JWSNoSignatures' },
  badSignature: { failure: 'tokenInvalid', raw: 'Error: JWSError JWSInvalidSignature' },
  keysUnavailable: {
    failure: 'backendUnavailable',
    raw: 'Backend unavailable: The key that the token names cannot be looked up',
  },

  // Claims that cannot be read
  malformedExp: {
    failure: 'tokenInvalid',
    raw: 'Error: JWTClaimsSetDecodeError exp: expected a number of seconds',
  },
  absurdExp: {
    failure: 'tokenInvalid',
    raw: 'Error: JWTClaimsSetDecodeError exp: expected seconds, at most ten years ahead',
  },
  malformedNbf: {
    failure: 'tokenInvalid',
    raw: 'Error: JWTClaimsSetDecodeError nbf: expected a number of seconds',
  },
  malformedIat: {
    failure: 'tokenInvalid',
    raw: 'Error: JWTClaimsSetDecodeError iat: expected a number of seconds',
  },
  malformedAud: {
    failure: 'tokenInvalid',
    raw: 'Error: JWTClaimsSetDecodeError aud: expected a text or a list of texts',
  },

  // Claims that do not hold
  missingExp: {
    failure: 'tokenInvalid',
    raw: 'Error: JWTClaimsSetDecodeError exp: expected a token that expires',
  },
  expired: { failure: 'tokenExpired', raw: 'Token expired' },
  notYetValid: { failure: 'notYetValid', raw: 'Error: JWTNotYetValid' },
  issuedInFuture: { failure: 'notYetValid', raw: 'Error: JWTIssuedAtFuture' },
  wrongIssuer: { failure: 'tokenInvalid', raw: 'Error: JWTNotInIssuer' },
  wrongAudience: { failure: 'tokenInvalid', raw: 'Error: JWTNotInAudience' },
  wrongType: { failure: 'tokenInvalid', raw: 'Error: JWTNotInType' },
  missingClaim: {
    failure: 'tokenInvalid',
    raw: 'Error: JWTClaimsSetDecodeError expected a claim that every token must have',
  },

  // The grant
  missingMode: { failure: 'tokenInvalid', raw: 'Missing mode' },
  noChannels: { failure: 'forbidden', raw: 'No allowed channels' },
} as const satisfies Record<string, TokenProblem>;

/** The status on the raw protocol: 400 for every fault of a token; what is no fault of it keeps its own. */
export function rawStatus({ failure }: TokenProblem): 400 | 503 {
  return failures[failure].http === failures.backendUnavailable.http ? 503 : 400;
}
