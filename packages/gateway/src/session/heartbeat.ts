/** Whoever is asked for a sign of life. */
export interface Beating {
  /** Called every {@link HEARTBEAT_SECONDS}. */
  beat(): void;
}

/** How often a connection is pinged, as postgres-websockets does. */
export const HEARTBEAT_SECONDS = 30;

/** Asks every session for a sign of life, a thirtieth of them each second: no burst, one timer. */
export class Heartbeat {
  readonly #slots = Array.from({ length: HEARTBEAT_SECONDS }, () => new Set<Beating>());
  #second = 0;
  #timer: NodeJS.Timeout | undefined;

  start(): void {
    this.#timer = setInterval(() => this.tick(), 1000);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Adds one, first asked after a whole round. Returns what takes it out again. */
  add(beating: Beating): () => void {
    const slot = this.#slots[this.#second];
    slot?.add(beating);
    return () => {
      slot?.delete(beating);
    };
  }

  /** One second has passed. */
  tick(): void {
    this.#second = (this.#second + 1) % HEARTBEAT_SECONDS;
    for (const beating of this.#slots[this.#second] ?? []) beating.beat();
  }
}
