import { randomBytes } from 'node:crypto';

/**
 * How a batch came to the fence. `open`: it went through. `held`: a transaction of this notifier's is
 * still under way. `late`: it came after the time by which it was to begin. Of what did not go through
 * nothing was done.
 */
export type Passage = 'open' | 'held' | 'late';

/** A batch is to begin so soon: what is under way for longer has most likely been given up. */
const LEASE_MS = 2_000;
/** After that nobody waits for its answer either. */
const LONGEST_LEASE_MS = 8_000;

/**
 * Lets no batch be committed after a later one (decision 47). A batch whose answer never came may still be
 * running: the lock shows it. Or it has not even begun, as its backend has not read it yet: then it may
 * not begin any more, once its lease is over. Both are asked by the server, of itself.
 */
export class Fence {
  readonly #nowMs: () => number;
  #lock = randomLock();
  /** What the server's clock showed, and when at the latest, by the clock here. */
  #reading: { readonly seconds: number; readonly atMs: number } | undefined;
  #leaseMs = LEASE_MS;
  #isDoubtful = false;
  /** When the leases of all batches in doubt are over, by the clock here. */
  #overAtMs = 0;

  /** `nowMs` is monotonic. */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Key of the advisory lock that each batch takes: as a bigint. */
  get lock(): string {
    return this.#lock;
  }

  /** Whether the server's clock is known well enough to give leases by it. */
  get knowsTime(): boolean {
    return this.#reading !== undefined;
  }

  /** Whether a batch has got no answer, and may still be under way. */
  get isDoubtful(): boolean {
    return this.#isDoubtful;
  }

  /** The server's clock showed so many UNIX seconds, a moment ago: by now it is no earlier. */
  read(seconds: number): void {
    this.#reading = { seconds, atMs: this.#nowMs() };
  }

  /** Until when a batch that is sent now may begin: UNIX seconds by the server's clock. */
  lease(): number {
    return this.#serverSeconds() + this.#leaseMs / 1000;
  }

  /** A batch was answered: how it came through, and what the server's clock showed then. */
  answered(passage: Passage, seconds: number): void {
    this.read(seconds);
    switch (passage) {
      case 'open':
        // Whatever was in doubt has ended, or will not begin any more.
        this.#isDoubtful = false;
        this.#overAtMs = 0;
        this.#leaseMs = LEASE_MS;
        return;
      case 'late':
        this.#leaseMs = Math.min(this.#leaseMs * 2, LONGEST_LEASE_MS);
        return;
      case 'held':
        // Everybody can see the key and take the lock. Where it cannot be ours, we take another one.
        if (!this.#isDoubtful) this.#lock = randomLock();
    }
  }

  /** The batch with this lease got no answer. `ended`: its backend carries out nothing any more. */
  doubt(lease: number, fate: 'doubtful' | 'ended'): void {
    this.#isDoubtful = true;
    if (fate === 'ended') return;
    const leftMs = (lease - this.#serverSeconds()) * 1000;
    this.#overAtMs = Math.max(this.#overAtMs, this.#nowMs() + leftMs);
  }

  /** How long the next batch has to wait, until no batch in doubt may begin any more. */
  get waitMs(): number {
    return this.#isDoubtful ? Math.max(0, this.#overAtMs - this.#nowMs()) : 0;
  }

  /** What the server's clock shows, at least. */
  #serverSeconds(): number {
    if (this.#reading === undefined) return 0;
    return this.#reading.seconds + (this.#nowMs() - this.#reading.atMs) / 1000;
  }
}

function randomLock(): string {
  return String(randomBytes(8).readBigInt64BE());
}
