import { areSameKeys } from './jwk.ts';
import type { KeySources, VerificationKey } from './keys.ts';
import { loadKeys } from './keys.ts';
import { jwksUrl } from './jwks.ts';
import { RemoteKeys } from './remote-keys.ts';
import type { RemoteKeysOptions } from './remote-keys.ts';
import type { KeySource, LookUp, Sought } from './verify.ts';

/** A set at a URL. */
interface RemoteSet {
  readonly href: string;
  readonly keys: RemoteKeys;
}

/** All the keys that verify tokens: those that were given, and those that are fetched. */
export class KeyRing implements KeySource {
  readonly #remoteOptions: Omit<RemoteKeysOptions, 'url'>;
  #given: readonly VerificationKey[];
  #remote: RemoteSet | undefined;
  #isStarted = false;

  /** Fetches nothing yet. Throws `POSTERN_KEYS`. */
  constructor(sources: KeySources, remoteOptions: Omit<RemoteKeysOptions, 'url'>) {
    this.#remoteOptions = remoteOptions;
    this.#given = loadKeys(sources);
    this.#remote = this.#remoteFor(sources);
  }

  get keys(): readonly VerificationKey[] {
    return this.#remote === undefined ? this.#given : [...this.#given, ...this.#remote.keys.keys];
  }

  async lookUp(sought: Sought): Promise<LookUp> {
    const remote = this.#remote;
    if (remote === undefined) return 'done';
    const found = await remote.keys.lookUp(sought);
    // The set was replaced while it was searched: the key may be in the new one.
    return remote === this.#remote ? found : await this.lookUp(sought);
  }

  /**
   * Puts other keys in place of all that are here, and returns whether they are others. A set at the
   * same URL stays as it is; one at another URL is fetched, and until it has come whoever names a key
   * of it waits. Throws `POSTERN_KEYS`, and all stays as it was.
   */
  replace(sources: KeySources): boolean {
    const given = loadKeys(sources);
    const isSameSet = jwksUrl(sources.jwks)?.href === this.#remote?.href;
    if (isSameSet && areSameKeys(given, this.#given)) return false;

    this.#given = given;
    if (isSameSet) return true;
    const old = this.#remote;
    this.#remote = this.#remoteFor(sources);
    old?.keys.stop();
    if (this.#isStarted) this.#remote?.keys.start();
    return true;
  }

  start(): void {
    this.#isStarted = true;
    this.#remote?.keys.start();
  }

  stop(): void {
    this.#isStarted = false;
    this.#remote?.keys.stop();
  }

  #remoteFor({ jwks }: KeySources): RemoteSet | undefined {
    const url = jwksUrl(jwks);
    if (url === undefined) return undefined;
    return { href: url.href, keys: new RemoteKeys({ ...this.#remoteOptions, url }) };
  }
}
