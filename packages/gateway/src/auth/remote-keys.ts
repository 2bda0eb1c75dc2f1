import { httpsText } from './https-text.ts';
import type { GetText } from './https-text.ts';
import { areSameKeys, publishedAlgorithms } from './jwk.ts';
import type { VerificationKey } from './jwk.ts';
import { fetchJwks } from './jwks.ts';
import type { FetchedKeys, FetchOutcome, FetchProblem } from './jwks.ts';
import type { Timing } from './timing.ts';
import { systemTiming } from './timing.ts';
import type { LookUp, Sought } from './verify.ts';

/** What this folder logs: a subset of the gateway's events. */
export type KeyEvent = 'jwks_loaded' | 'jwks_failed' | 'jwks_key_refused';

/** Writes one event. The fields never hold a key or a URL. */
export type KeyLog = (event: KeyEvent, fields: Readonly<Record<string, string | number>>) => void;

/** Which set, and what it takes to fetch it; tests pass their own. */
export interface RemoteKeysOptions {
  readonly url: URL;
  readonly log: KeyLog;
  /** Is told what came of each fetch, but of one that the stop cut off. */
  readonly onFetch?: (outcome: FetchOutcome) => void;
  readonly getText?: GetText;
  readonly timing?: Timing;
}

/** A whole answer must have come within this time. */
const ANSWER_MS = 5_000;
/** A key that the issuer took back is trusted for this long at the most, while it can be reached. */
const LONGEST_REFRESH_MS = 600_000;
const SHORTEST_REFRESH_MS = 30_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
/** After a search in vain; whoever makes up kids causes a fetch in this time and no more. */
const COOL_DOWN_MS = 5_000;
/** A handshake waits this long for the key that it names: a cool-down, and a fetch that is not slow. */
const WAIT_MS = 8_000;

/**
 * The keys of a JWK set at a URL. They are fetched in the background, before they are old; when that
 * fails, those at hand stay. Nobody waits for a fetch but who names a key that is not here.
 */
export class RemoteKeys {
  readonly #options: Required<RemoteKeysOptions>;
  readonly #stopped = new AbortController();
  #keys: readonly VerificationKey[] = [];
  #loadedMs: number | undefined;
  /** In a row; while it is above 0, only the timer tries. */
  #failures = 0;
  #fetching: Promise<void> | undefined;
  /** The next fetch on behalf of searches; it has not begun. */
  #searching: Promise<void> | undefined;
  #coolUntilMs = 0;
  #cancelTimer = (): void => {};

  constructor(options: RemoteKeysOptions) {
    this.#options = { getText: httpsText, timing: systemTiming, onFetch: () => {}, ...options };
  }

  /** The keys as they are now. The list is replaced, never changed. */
  get keys(): readonly VerificationKey[] {
    return this.#keys;
  }

  /** Begins to fetch, and waits for nothing: an issuer that is away must not keep us from starting. */
  start(): void {
    void this.#fetch();
  }

  stop(): void {
    this.#stopped.abort();
    this.#cancelTimer();
  }

  /** Looks for the key that a token names. Never takes longer than {@link WAIT_MS}. */
  async lookUp({ algorithm, keyId }: Sought): Promise<LookUp> {
    if (!publishedAlgorithms.has(algorithm) || this.#knows(keyId)) return 'done';
    const { timing } = this.#options;
    let cancel = (): void => {};
    const late = new Promise<LookUp>((resolve) => {
      cancel = timing.after(WAIT_MS, () => resolve('unavailable'));
    });
    const outcome = await Promise.race([this.#search(keyId), late]);
    cancel();
    return outcome;
  }

  async #search(keyId: string | undefined): Promise<LookUp> {
    // It began before this token came: its key may have been published since.
    await this.#fetching;
    if (this.#knows(keyId)) return 'done';
    if (this.#failures > 0 || this.#stopped.signal.aborted) return 'unavailable';

    this.#searching ??= this.#fetchWhenCool();
    await this.#searching;
    if (this.#knows(keyId)) return 'done';
    this.#coolUntilMs = this.#options.timing.nowMs() + COOL_DOWN_MS;
    return this.#failures > 0 ? 'unavailable' : 'done';
  }

  /** Whether a fetch could not help: the kid is here, or the token names none and keys are here. */
  #knows(keyId: string | undefined): boolean {
    if (this.#loadedMs === undefined) return false;
    return keyId === undefined || this.#keys.some(({ kid }) => kid === keyId);
  }

  async #fetchWhenCool(): Promise<void> {
    const { timing } = this.#options;
    const waitMs = Math.max(0, this.#coolUntilMs - timing.nowMs());
    // Awaited even when there is nothing to wait for: the caller has yet to note this search.
    await (waitMs === 0 || new Promise<void>((resolve) => void timing.after(waitMs, resolve)));
    // Whoever comes from here on may be looking for what this fetch is too early for.
    this.#searching = undefined;
    await this.#fetch();
  }

  /** Fetches, unless that is under way. Never rejects. */
  #fetch(): Promise<void> {
    this.#fetching ??= this.#fetchOnce().finally(() => (this.#fetching = undefined));
    return this.#fetching;
  }

  async #fetchOnce(): Promise<void> {
    const { url, getText, timing, onFetch } = this.#options;
    this.#cancelTimer();
    const tooLate = new AbortController();
    const cancel = timing.after(ANSWER_MS, () => tooLate.abort());
    const signal = AbortSignal.any([tooLate.signal, this.#stopped.signal]);
    const result = await fetchJwks(url, signal, getText);
    cancel();
    if (this.#stopped.signal.aborted) return;

    onFetch(result.outcome);
    const againMs = 'problem' in result ? this.#failed(result) : this.#loaded(result);
    this.#cancelTimer = timing.after(againMs, () => void this.#fetch());
  }

  /** Puts new keys in place, and returns when to fetch again. */
  #loaded({ keys, refused, maxAgeMs }: FetchedKeys): number {
    const { log, timing, url } = this.#options;
    const isNews = this.#failures > 0 || !areSameKeys(keys, this.#keys);
    if (isNews) {
      for (const key of refused) log('jwks_key_refused', { host: url.host, ...key });
      log('jwks_loaded', { host: url.host, keys: keys.length, refused: refused.length });
    }
    this.#keys = keys;
    this.#loadedMs = timing.nowMs();
    this.#failures = 0;
    return Math.min(Math.max(maxAgeMs ?? Infinity, SHORTEST_REFRESH_MS), LONGEST_REFRESH_MS);
  }

  /** Keeps the keys at hand, and returns when to try again. */
  #failed({ problem }: FetchProblem): number {
    const { log, timing, url } = this.#options;
    this.#failures += 1;
    const wholeMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (this.#failures - 1));
    // Cut by up to a half at random, so that many gateways do not return at once.
    const waitMs = Math.round(wholeMs * (1 - Math.random() / 2));
    const ageSeconds = Math.round((timing.nowMs() - (this.#loadedMs ?? timing.nowMs())) / 1000);
    log('jwks_failed', {
      host: url.host,
      reason: problem,
      attempt: this.#failures,
      waitMs,
      keys: this.#keys.length,
      ageSeconds,
    });
    return waitMs;
  }
}
