import { createHmac, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { JWSSignatureVerificationFailed } from 'jose/errors';
import { compactVerify } from 'jose/jws/compact/verify';
import { checkClaims } from './claims.ts';
import type { ClaimRules } from './claims.ts';
import type { VerificationKey } from './keys.ts';
import { tokenProblems } from './problems.ts';
import type { TokenProblem } from './problems.ts';
import { parseToken } from './token.ts';
import type { Claims, Token } from './token.ts';

export type { Claims } from './token.ts';

/** What a token says of the key that it needs. */
export type Sought = Pick<Token, 'algorithm' | 'keyId'>;

/** What came of looking for a key: it is here now, if it is anywhere; or nobody can know just now. */
export type LookUp = 'done' | 'unavailable';

/** Where a verifier finds keys. They may change under it. */
export interface KeySource {
  /** The keys as they are now: a list that is replaced as a whole, never changed. */
  readonly keys: readonly VerificationKey[];
  /** Looks elsewhere, in bounded time, for the key of a token that none of {@link keys} verified. */
  lookUp(sought: Sought): Promise<LookUp>;
}

/** What a verifier is made of: where its keys are, and the rules for the claims. */
export interface VerifierOptions extends ClaimRules {
  readonly source: KeySource;
}

/**
 * The claims of a token that holds, with its `exp` in UNIX seconds (a fraction is kept, leeway is not
 * added, `undefined`: it never expires); or the first thing that is wrong with it.
 */
export type Verification =
  | { readonly claims: Claims; readonly expiresAt: number | undefined }
  | {
      readonly problem: TokenProblem;
      /** What a token says that is signed, though it does not hold: to be written down, and no more. */
      readonly signed?: Claims;
    };

/** Verifies one token at `nowSeconds`, in UNIX time. Rejects for bugs only, never for a token. */
export type Verify = (token: string, nowSeconds: number) => Promise<Verification>;

/** Makes a verifier: form first, then the signature, then the claims. */
export function createVerifier({ source, ...rules }: VerifierOptions): Verify {
  return async (text, nowSeconds) => {
    // As postgres-websockets has it: no token at all is a token that says nothing.
    if (text === '') return { problem: tokenProblems.missingMode };

    const parsed = parseToken(text);
    if ('problem' in parsed) return parsed;
    const { token } = parsed;

    const problem = await signatureProblem(source, text, token);
    if (problem !== undefined) return { problem };

    const checked = checkClaims(token, rules, nowSeconds);
    const { claims } = token;
    return 'problem' in checked ? { ...checked, signed: claims } : { claims, ...checked };
  };
}

/** Makes what holds a token against the same rules, and believes its signature: never for a gate. */
export function createUnsignedVerifier(rules: ClaimRules): Verify {
  return (text, nowSeconds) => {
    if (text === '') return Promise.resolve({ problem: tokenProblems.missingMode });
    const parsed = parseToken(text);
    if ('problem' in parsed) return Promise.resolve(parsed);
    const { token } = parsed;
    const checked = checkClaims(token, rules, nowSeconds);
    return Promise.resolve('problem' in checked ? checked : { claims: token.claims, ...checked });
  };
}

/** Whether no key verifies the signature, not even one that had to be looked for. */
async function signatureProblem(
  source: KeySource,
  text: string,
  token: Token,
): Promise<TokenProblem | undefined> {
  const tried = candidates(source.keys, token);
  if (await isSignedByOneOf(tried, text, token.algorithm)) return undefined;

  const found = await source.lookUp(token);
  // A key that nobody can look for now may be the right one: come back later.
  if (found === 'unavailable') return tokenProblems.keysUnavailable;
  const others = candidates(source.keys, token).filter((key) => !tried.includes(key));
  const isSigned = await isSignedByOneOf(others, text, token.algorithm);
  return isSigned ? undefined : tokenProblems.badSignature;
}

/**
 * The keys that may have signed a token. `kid` is a hint that leaves keys out, never one that lets a
 * key in: the algorithm must be allowed by the key itself.
 */
export function candidates(
  keys: readonly VerificationKey[],
  { algorithm, keyId }: Token,
): readonly VerificationKey[] {
  return keys.filter(
    ({ kid, algorithms }) =>
      algorithms.includes(algorithm) && (keyId === undefined || kid === undefined || kid === keyId),
  );
}

async function isSignedByOneOf(
  keys: readonly VerificationKey[],
  text: string,
  algorithm: string,
): Promise<boolean> {
  for (const key of keys) {
    if (await isSignedBy(key, text, algorithm)) return true;
  }
  return false;
}

/** The HMACs of RFC 7518 §3.2, by `alg`. */
const hashes: ReadonlyMap<string, string> = new Map([
  ['HS256', 'sha256'],
  ['HS384', 'sha384'],
  ['HS512', 'sha512'],
]);

async function isSignedBy(
  { key }: VerificationKey,
  text: string,
  algorithm: string,
): Promise<boolean> {
  const hash = hashes.get(algorithm);
  if (hash !== undefined && key.type === 'secret') return isMac(text, key, hash);
  try {
    await compactVerify(text, key, { algorithms: [algorithm] });
    return true;
  } catch (error) {
    // Form, header and algorithm are checked by now. Any other error is a bug, and must look like one.
    if (error instanceof JWSSignatureVerificationFailed) return false;
    throw error;
  }
}

/** Not by jose, whose way through Web Crypto costs a third of a handshake (decision 40). */
function isMac(text: string, secret: KeyObject, hash: string): boolean {
  const end = text.lastIndexOf('.');
  const given = Buffer.from(text.slice(end + 1), 'base64url');
  const expected = createHmac(hash, secret).update(text.slice(0, end)).digest();
  return given.length === expected.length && timingSafeEqual(given, expected);
}
