import { until } from '../support/wait.ts';
import { Visitor } from './visitor.ts';
import type { Ending } from './visitor.ts';

/** How much comes and goes. */
export interface ChurnOptions {
  readonly port: number;
  /** Clients that are connected at any time. */
  readonly population: number;
  /** Clients that leave each second, to be replaced; those whose token expires come on top. */
  readonly leavingPerSecond: number;
  /** Messages that are published each second, by clients chosen at random. */
  readonly messagesPerSecond: number;
}

/** What has happened so far. */
export interface ChurnCounts {
  /** Clients that were let in. */
  opened: number;
  sent: number;
  /** By how they ended. */
  readonly endings: Map<Ending, number>;
}

const CHANNELS = 20;
const STEP_MS = 50;
/** Tokens live this long at the least and twice as long at the most. */
const LIFE_SECONDS = 5;

/**
 * A population in which somebody always leaves: by a close frame, by a broken connection, by an
 * expired token, and some with tokens that are refused at the door. Each is replaced at once.
 */
export class Churn {
  readonly counts: ChurnCounts = { opened: 0, sent: 0, endings: new Map() };
  readonly #options: ChurnOptions;
  readonly #present = new Set<Visitor>();
  #leaving = 0;
  #sending = 0;
  #timer: NodeJS.Timeout | undefined;
  #comingBack = true;

  constructor(options: ChurnOptions) {
    this.#options = options;
  }

  /** Lets the whole population in, then starts the coming and going. */
  async start(): Promise<void> {
    const { population } = this.#options;
    for (let n = 0; n < population; n++) this.#come();
    await until('the population', () => this.#present.size >= population, 60_000);
    this.#timer = setInterval(() => this.#step(), STEP_MS);
  }

  /** Sends everybody home and waits until they are gone. Harmless when called again. */
  async stop(): Promise<void> {
    this.#comingBack = false;
    clearInterval(this.#timer);
    for (const visitor of this.#present) visitor.leave();
    await until('the last client to leave', () => this.#present.size === 0, 30_000);
  }

  #step(): void {
    this.#leaving += (this.#options.leavingPerSecond * STEP_MS) / 1000;
    this.#sending += (this.#options.messagesPerSecond * STEP_MS) / 1000;
    const visitors = [...this.#present];
    const anybody = (): Visitor | undefined =>
      visitors[Math.floor(Math.random() * visitors.length)];

    for (; this.#leaving >= 1; this.#leaving--) {
      if (Math.random() < 0.5) anybody()?.leave();
      else anybody()?.drop();
    }
    for (; this.#sending >= 1; this.#sending--) {
      anybody()?.send(`a message of some length, the ${this.counts.sent}th`);
      this.counts.sent += 1;
    }
  }

  #come(): void {
    const life = LIFE_SECONDS * (1 + Math.random());
    const isRefused = Math.random() < 0.02;
    const claims = {
      mode: isRefused ? 'none' : 'rw',
      channel: `room-${Math.floor(Math.random() * CHANNELS)}`,
      exp: Date.now() / 1000 + life,
    };
    void new Visitor(this.#options.port, claims, {
      onOpen: (visitor) => {
        this.counts.opened += 1;
        if (this.#comingBack) this.#present.add(visitor);
        else visitor.leave();
      },
      onEnd: (visitor, ending) => {
        this.#present.delete(visitor);
        this.counts.endings.set(ending, (this.counts.endings.get(ending) ?? 0) + 1);
        if (this.#comingBack) this.#come();
      },
    });
  }
}
