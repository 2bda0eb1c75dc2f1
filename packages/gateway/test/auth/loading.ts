import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { loadKeys } from '#gateway/auth/keys.js';
import type { KeySources } from '#gateway/auth/keys.js';
import { GatewayError } from '#gateway/errors.js';
import { publicPem, rsaPair, secret } from './signing.ts';

/** Loads what the secret option has. */
export const fromSecret = (jwtSecret: string, jwtSecretBase64 = false) =>
  loadKeys({ jwtSecret, jwtSecretBase64 });

/** Loads what the JWK set option has, as a set of these members. */
export const fromSet = (...keys: readonly unknown[]) =>
  loadKeys({ jwtSecretBase64: false, jwks: JSON.stringify({ keys }) });

/** What there is to see of keys: for public keys their SPKI, for secrets their bytes. */
export const seen = (keys: ReturnType<typeof loadKeys>) =>
  keys.map(({ kid, algorithms, key }) => ({
    kid,
    algorithms,
    type: key.type,
    bytes:
      key.type === 'secret'
        ? key.export().toString()
        : key.export({ type: 'spki', format: 'pem' }).toString(),
  }));

/** What is seen of the secret of these tests. */
export const secretSeen = [
  { kid: undefined, algorithms: ['HS256', 'HS384', 'HS512'], type: 'secret', bytes: secret },
];

/** What is seen of the RSA key of these tests. */
export const rsaSeen = [
  {
    kid: undefined,
    algorithms: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
    type: 'public',
    bytes: publicPem(rsaPair),
  },
];

/** The error names what the pattern says, and shows nothing of what was given, causes included. */
export function refuses(sources: Partial<KeySources>, expected: RegExp): void {
  assert.throws(
    () => loadKeys({ jwtSecretBase64: false, ...sources }),
    (error) => {
      assert.ok(error instanceof GatewayError);
      assert.equal(error.code, 'POSTERN_KEYS');
      assert.match(error.message, expected);

      const shown = inspect(error, { depth: 9, showHidden: true });
      const given = [sources.jwtSecret ?? '', sources.jwks ?? ''].flatMap((text) => [
        ...text.split('\n'),
        ...text.split(/\s+/),
      ]);
      // Shorter pieces, such as a kty, may stand in any text.
      const pieces = given.filter((piece) => piece.length >= 12);
      assert.deepEqual(
        pieces.filter((piece) => shown.includes(piece)),
        [],
      );
      return true;
    },
  );
}
