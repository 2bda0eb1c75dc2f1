import { hkdfSync, randomBytes } from 'node:crypto';

/** What a key is for. Each purpose has keys of its own, so that no token can stand in for another. */
export type Purpose = (typeof purposes)[number];

const purposes = ['cookie', 'csrf', 'embed', 'refresh', 'cid'] as const;

/** A secret and the name that tokens know it by. */
export interface NamedSecret {
  readonly kid: string;
  readonly secret: Buffer;
}

/** The keys that sign what the gateway hands out. */
export interface SigningKeys {
  /** The `kid` that signs. */
  readonly newest: string;
  /** Every `kid` that verifies, the newest first. */
  readonly kids: readonly string[];
  /** `undefined`: no secret of that name is known. */
  keyFor(purpose: Purpose, kid: string): Buffer | undefined;
}

const SALT = 'postern/v1';
const KEY_BYTES = 32;

/** Derives the keys from the secrets (HKDF, RFC 5869). The first secret signs, all of them verify. */
export function createSigningKeys(secrets: readonly NamedSecret[]): SigningKeys {
  const [newest] = secrets;
  if (newest === undefined) throw new TypeError('No secret was given to derive keys from');
  const keys = new Map(secrets.map(({ kid, secret }) => [kid, derived(secret)]));

  return {
    newest: newest.kid,
    kids: [...keys.keys()],
    keyFor: (purpose, kid) => keys.get(kid)?.get(purpose),
  };
}

/** Keys that no other process has, and that are gone with this one. */
export function randomSigningKeys(): SigningKeys {
  // The name is random too: a token of an earlier start then names a key that is not there.
  const kid = randomBytes(6).toString('base64url');
  return createSigningKeys([{ kid, secret: randomBytes(KEY_BYTES) }]);
}

function derived(secret: Buffer): ReadonlyMap<Purpose, Buffer> {
  return new Map(
    purposes.map((purpose) => [
      purpose,
      Buffer.from(hkdfSync('sha256', secret, SALT, purpose, KEY_BYTES)),
    ]),
  );
}
