/** Whoever is asked for a sign of life. */
export interface Beating {
  /** Called every so many seconds. */
  beat(): void;
}

/** How often a connection is pinged, as postgres-websockets does: a whole round. */
export const HEARTBEAT_SECONDS = 30;

/** Asks every session for a sign of life, spread over the seconds of a round: no burst, one timer. */
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

  /** Adds one, asked every so many seconds, which are a whole round or a part of it. */
  add(beating: Beating, seconds = HEARTBEAT_SECONDS): void {
    for (let second = this.#second % seconds; second < HEARTBEAT_SECONDS; second += seconds)
      this.#slots[second]?.add(beating);
  }

  /** Takes one out again. Harmless when it is not in. */
  remove(beating: Beating): void {
    // It may be in any of them: to remember in which would take memory for each who is in.
    for (const slot of this.#slots) slot.delete(beating);
  }

  /** One second has passed. */
  tick(): void {
    this.#second = (this.#second + 1) % HEARTBEAT_SECONDS;
    for (const beating of this.#slots[this.#second] ?? []) beating.beat();
  }
}
