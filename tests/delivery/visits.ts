import { setTimeout as delay } from 'node:timers/promises';

import type { Link, Reader, Stay, Witness } from './reader.ts';

/** Who reads, and where. */
export interface VisitsOptions {
  readonly reader: Reader;
  /** Asked before each connection. */
  readonly port: () => number;
  /** How long it stays away after a connection has ended; asked each time. */
  readonly awayMs: () => number;
}

/** One connection of a reader after the other. */
export class Visits implements Stay {
  readonly #options: VisitsOptions;
  readonly #stopping = new AbortController();
  #link: Link | undefined;
  #awayMs: number | undefined;
  #ending: Promise<void> | undefined;

  constructor(options: VisitsOptions) {
    this.#options = options;
  }

  get link(): Link | undefined {
    return this.#link;
  }

  start(witness: Witness): void {
    this.#ending ??= this.#stay(witness);
  }

  cut(awayMs?: number): void {
    this.#awayMs = awayMs;
    this.#link?.terminate();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.cut();
    await this.#ending;
  }

  async #stay(witness: Witness): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#visit(witness);
      const awayMs = this.#awayMs ?? this.#options.awayMs();
      this.#awayMs = undefined;
      await delay(awayMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** One connection, from its opening to its end. */
  #visit(witness: Witness): Promise<void> {
    const { reader, port } = this.#options;
    return new Promise((settle) => {
      this.#link = reader.open(port(), {
        ...witness,
        ended: (ending) => {
          witness.ended(ending);
          settle();
        },
      });
    });
  }
}
