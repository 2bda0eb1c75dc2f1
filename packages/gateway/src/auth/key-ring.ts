import type { KeySources, VerificationKey } from './keys.ts';
import { loadKeys } from './keys.ts';
import { jwksUrl } from './jwks.ts';
import { RemoteKeys } from './remote-keys.ts';
import type { RemoteKeysOptions } from './remote-keys.ts';
import type { KeySource, LookUp, Sought } from './verify.ts';

/** All the keys that verify tokens: those that were given, and those that are fetched. */
export class KeyRing implements KeySource {
  readonly #given: readonly VerificationKey[];
  readonly #remote: RemoteKeys | undefined;

  /** Fetches nothing yet. Throws `POSTERN_KEYS`. */
  constructor(sources: KeySources, remoteOptions: Omit<RemoteKeysOptions, 'url'>) {
    this.#given = loadKeys(sources);
    const url = jwksUrl(sources.jwks);
    this.#remote = url === undefined ? undefined : new RemoteKeys({ ...remoteOptions, url });
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
}
