import type { KeySources, VerificationKey } from './keys.ts';
import { loadKeys } from './keys.ts';
import { jwksUrl } from './jwks.ts';
import { RemoteKeys } from './remote-keys.ts';
import type { RemoteKeysOptions } from './remote-keys.ts';
import type { KeySource, LookUp, Sought } from './verify.ts';

/** All the keys that verify tokens: those that were given, and those that are fetched. */
export class KeyRing implements KeySource {
  readonly #remoteOptions: Omit<RemoteKeysOptions, 'url'>;
  #sources: KeySources;
  #given: readonly VerificationKey[];
  #remote: RemoteKeys | undefined;

  /** Fetches nothing yet. Throws `POSTERN_KEYS`. */
  constructor(sources: KeySources, remoteOptions: Omit<RemoteKeysOptions, 'url'>) {
    this.#remoteOptions = remoteOptions;
    this.#sources = sources;
    this.#given = loadKeys(sources);
    this.#remote = this.#remoteKeys(sources);
  }

  get keys(): readonly VerificationKey[] {
    return this.#remote === undefined ? this.#given : [...this.#given, ...this.#remote.keys];
  }

  async lookUp(sought: Sought): Promise<LookUp> {
    return (await this.#remote?.lookUp(sought)) ?? 'done';
  }

  start(): void {
    this.#remote?.start();
  }

  stop(): void {
    this.#remote?.stop();
  }

  /**
   * Puts other keys in place of those that were given; a verification that has begun goes on with the
   * old ones. Returns whether anything is new. Throws `POSTERN_KEYS`, and then all stays as it was.
   */
  replace(sources: KeySources): boolean {
    const old = this.#sources;
    if (
      old.jwtSecret === sources.jwtSecret &&
      old.jwtSecretBase64 === sources.jwtSecretBase64 &&
      old.jwks === sources.jwks
    )
      return false;

    const given = loadKeys(sources);
    if (jwksUrl(old.jwks)?.href !== jwksUrl(sources.jwks)?.href) {
      this.#remote?.stop();
      this.#remote = this.#remoteKeys(sources);
      this.#remote?.start();
    }
    this.#given = given;
    this.#sources = sources;
    return true;
  }

  #remoteKeys({ jwks }: KeySources): RemoteKeys | undefined {
    const url = jwksUrl(jwks);
    return url === undefined ? undefined : new RemoteKeys({ ...this.#remoteOptions, url });
  }
}
