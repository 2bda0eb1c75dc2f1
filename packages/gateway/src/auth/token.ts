import { decodeBase64url, decodeUtf8, own, parseObject } from './decode.ts';
import type { JsonObject } from './decode.ts';
import { tokenProblems } from './problems.ts';
import type { TokenProblem } from './problems.ts';

/** The payload of a token. Who holds it from a `Verification` may trust it; read it by own members. */
export type Claims = JsonObject;

/** A token whose form is right. Nothing in it is to be believed before its signature is verified. */
export interface Token {
  /** `alg`, as the token has it: only ever compared with what a key allows. */
  readonly algorithm: string;
  /** `kid`: which key it claims to be signed with. */
  readonly keyId: string | undefined;
  /** `typ`. */
  readonly type: string | undefined;
  readonly claims: Claims;
}

/** Whoever walks through claims later may do so by recursion, and would run out of stack. */
const DEEPEST_CLAIM = 64;

/** Reads a JWT in compact form (RFC 7515 §7.1). One set of bytes has one accepted spelling. */
export function parseToken(
  text: string,
): { readonly token: Token } | { readonly problem: TokenProblem } {
  // One more than a token has: a text of nothing but dots would make a list of its own length.
  const parts = text.split('.', 4);
  const [headerPart, payloadPart, signature] = parts;
  if (headerPart === undefined || payloadPart === undefined || signature === undefined)
    return { problem: tokenProblems.notThreeParts };
  if (parts.length > 3) return { problem: tokenProblems.notThreeParts };

  const headerBytes = decodeBase64url(headerPart);
  const payloadBytes = decodeBase64url(payloadPart);
  if (headerBytes === undefined || payloadBytes === undefined)
    return { problem: tokenProblems.notBase64url };
  if (decodeBase64url(signature) === undefined) return { problem: tokenProblems.notBase64url };

  const header = jsonObject(headerBytes);
  if (header === undefined) return { problem: tokenProblems.malformedHeader };
  const claims = jsonObject(payloadBytes);
  if (claims === undefined) return { problem: tokenProblems.malformedPayload };
  if (isDeeperThan(DEEPEST_CLAIM, claims)) return { problem: tokenProblems.deepPayload };

  const algorithm = own(header, 'alg');
  const keyId = own(header, 'kid');
  const type = own(header, 'typ');
  if (typeof algorithm !== 'string' || !isOptionalText(keyId) || !isOptionalText(type))
    return { problem: tokenProblems.malformedHeader };

  // RFC 7515 §4.1.11: what is critical and not understood invalidates; nothing is understood here.
  if (Object.hasOwn(header, 'crit')) return { problem: tokenProblems.criticalHeader };
  if (algorithm === 'none' || signature === '') return { problem: tokenProblems.unsigned };
  return { token: { algorithm, keyId, type, claims } };
}

function jsonObject(bytes: Uint8Array): JsonObject | undefined {
  const text = decodeUtf8(bytes);
  return text === undefined ? undefined : parseObject(text);
}

/** Whether lists and objects lie in each other more than `levels` deep. */
function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((member) => isDeeperThan(levels - 1, member));
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}
