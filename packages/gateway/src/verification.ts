import type { ClaimRules } from './auth/claims.ts';
import { KeyRing } from './auth/key-ring.ts';
import { loadKeys } from './auth/keys.ts';
import type { KeySources, VerificationKey } from './auth/keys.ts';
import type { KeySource, Verify } from './auth/verify.ts';
import { createVerifier } from './auth/verify.ts';
import type { Options } from './config/options.ts';
import type { Log } from './observe/log.ts';
import type { Meters } from './observe/meters.ts';

/** What verifies tokens as the options say. */
export function verifierFor(options: Options, source: KeySource): Verify {
  return createVerifier({ source, ...claimRulesFor(options) });
}

/**
 * The keys that the options name; a set that has to be fetched is, once the ring is started. Throws
 * `POSTERN_KEYS`.
 */
export function keyRingFor(options: Options, log: Log, meters?: Meters): KeyRing {
  return new KeyRing(keySourcesIn(options), {
    log,
    onFetch: (outcome) => meters?.counter('jwksFetches', { outcome }).add(),
  });
}

/** The keys that the options hold themselves, without those at a URL. Throws `POSTERN_KEYS`. */
export function keysFor(options: Options): readonly VerificationKey[] {
  return loadKeys(keySourcesIn(options));
}

/** The options that name keys, revealed. */
export function keySourcesIn({ jwtSecret, jwtSecretBase64, jwks }: Options): KeySources {
  return { jwtSecret: jwtSecret?.reveal(), jwtSecretBase64, jwks: jwks?.reveal() };
}

/** What the options ask of claims. */
export function claimRulesFor(options: Options): ClaimRules {
  return {
    audiences: options.jwtAudience,
    issuers: options.jwtIssuer,
    types: options.jwtType,
    requireExp: options.requireExp,
    requireClaims: options.requireClaims,
    expLeewaySeconds: options.expLeeway,
    clockLeewaySeconds: options.clockLeeway,
  };
}
