import { RateLimit } from '../session/rate-limit.ts';

/** Addresses that are remembered at most: some 10 MB. */
const MOST_ADDRESSES = 65_536;

/**
 * How often an address may knock: a token bucket each, the least recent of them forgotten first. A
 * second after its last handshake a bucket is full again, as a new one is: what is forgotten makes a
 * difference only when more addresses than are remembered knock within one second. Even then nobody
 * is refused for it, it is others that get in: whoever has so many addresses has that anyway.
 */
export class HandshakeRate {
  readonly #perSecond: number;
  readonly #mostAddresses: number;
  readonly #buckets = new Map<string, RateLimit>();

  /** `perSecond` 0: no limit. */
  constructor(perSecond: number, mostAddresses = MOST_ADDRESSES) {
    this.#perSecond = perSecond;
    this.#mostAddresses = mostAddresses;
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Counts one handshake; false when it is too many. `nowMs` is monotonic time. */
  take(address: string, nowMs: number): boolean {
    if (this.#perSecond === 0) return true;
    const bucket = this.#buckets.get(address) ?? this.#fullBucket(nowMs);
    // Put in anew, so that the first is always the least recent.
    this.#buckets.delete(address);
    this.#buckets.set(address, bucket);
    if (this.#buckets.size > this.#mostAddresses) this.#forgetOne();
    return bucket.take(nowMs);
  }

  #fullBucket(nowMs: number): RateLimit {
    const perSecond = this.#perSecond;
    return new RateLimit({ perSecond, burst: Math.max(1, perSecond) }, nowMs);
  }

  #forgetOne(): void {
    for (const leastRecent of this.#buckets.keys()) {
      this.#buckets.delete(leastRecent);
      return;
    }
  }
}
