/** What tells when it is closed, exactly once: a connection, or one answer on it. */
export interface Closable {
  readonly destroyed: boolean;
  on(event: 'close', listener: () => void): unknown;
}

/**
 * Counts open connections by whatever they have in common. A place is given back when the connection
 * closes: that comes exactly once, however it ended and whether it ever became a session.
 */
export class Places {
  readonly #most: number;
  readonly #taken = new Map<string, number>();

  /** `most` for each key; 0: no limit. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Keys that have a place. */
  get size(): number {
    return this.#taken.size;
  }

  /** Takes a place for a connection that is not closed; false when there is none left. */
  take(key: string, stream: Closable): boolean {
    if (this.#most === 0) return true;
    const taken = this.#taken.get(key) ?? 0;
    if (taken >= this.#most) return false;
    this.#taken.set(key, taken + 1);
    // Not `once`, whose wrapper would be kept as long as the connection: it comes but once.
    stream.on('close', () => this.#giveBack(key));
    return true;
  }

  #giveBack(key: string): void {
    const taken = this.#taken.get(key) ?? 0;
    if (taken > 1) this.#taken.set(key, taken - 1);
    else this.#taken.delete(key);
  }
}
