/** How much may come, as a bucket of permits that fills up all the time. */
export interface Rate {
  /** Permits that are added each second. 0: there is no limit. */
  readonly perSecond: number;
  /** Permits that it holds when it is full: so much may come at once. At least 1. */
  readonly burst: number;
}

/**
 * A token bucket that fills as time goes by, which it reads when it is asked: no timer. Nothing is
 * allocated, as it is asked for every frame that comes in.
 */
export class RateLimit {
  readonly #rate: Rate;
  #permits: number;
  #lastMs: number;

  /** `nowMs` is monotonic time: a wall clock set ahead would fill the bucket. */
  constructor(rate: Rate, nowMs: number) {
    this.#rate = rate;
    this.#permits = rate.burst;
    this.#lastMs = nowMs;
  }

  /** Takes a permit; false when there is none, and the one who asks has gone too far. */
  take(nowMs: number): boolean {
    const { perSecond, burst } = this.#rate;
    if (perSecond === 0) return true;
    const gained = ((nowMs - this.#lastMs) / 1000) * perSecond;
    this.#permits = Math.min(burst, this.#permits + gained);
    this.#lastMs = nowMs;
    if (this.#permits < 1) return false;
    this.#permits -= 1;
    return true;
  }
}
