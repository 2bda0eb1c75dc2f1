import type { Account, Publication, Sight, Span } from './account.ts';
import { nameOf } from './account.ts';
import type { Moment, Stay, Witness } from './reader.ts';

/** Who subscribes to what, and how. */
export interface SubscriberOptions {
  readonly name: string;
  readonly channels: readonly string[];
  readonly stay: Stay;
}

/** What happened to it, beside what it saw. */
export interface Fortunes {
  connections: number;
  /** Cursors that were taken, and that were not. */
  recovered: number;
  unrecovered: number;
  /** How its connections ended, and how often. */
  readonly endings: Map<string, number>;
  /** By reason. */
  readonly gaps: Map<string, number>;
  /** What nothing here asks for. */
  readonly surprises: string[];
}

/** Reads channels, and goes on where it was whenever its connection has ended. */
export class Subscriber {
  readonly name: string;
  readonly fortunes: Fortunes = {
    connections: 0,
    recovered: 0,
    unrecovered: 0,
    endings: new Map(),
    gaps: new Map(),
    surprises: [],
  };
  readonly #options: SubscriberOptions;
  readonly #seen: Sight[] = [];
  readonly #subscribed = new Set<string>();
  readonly #away: Span[] = [];
  /** When it read something last of a connection on which it was subscribed. */
  #lastMs = performance.now();
  /** What the link is still to bring before it is cut. */
  #left: Record<Moment, number> = { reply: Infinity, message: Infinity };

  constructor(options: SubscriberOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** What it has seen so far. */
  get account(): Account {
    const { channels } = this.#options;
    return { subscriber: this.name, channels, seen: this.#seen, away: this.#away };
  }

  /** Whether it is connected, and subscribed to all its channels. */
  get isSubscribed(): boolean {
    return (
      this.#options.stay.link?.isOpen === true &&
      this.#subscribed.size === this.#options.channels.length
    );
  }

  /** Whether it reads what comes. */
  get isReading(): boolean {
    return this.#options.stay.link?.isPaused === false;
  }

  /** Whether it has received a message. */
  has(publication: Publication | undefined): boolean {
    if (publication === undefined) return false;
    const name = nameOf(publication);
    return (
      this.#seen.findLastIndex((sight) => sight.type === 'message' && nameOf(sight) === name) >= 0
    );
  }

  /** Connects, and does so again after each end, until it is stopped. */
  start(): void {
    this.#options.stay.start(this.#witness());
  }

  /** Ends for good. Harmless when called again. */
  async stop(): Promise<void> {
    await this.#options.stay.stop();
  }

  /** Destroys the socket: what was not read by then is lost with it. Then stays away so long, if that is given. */
  cut(awayMs?: number): void {
    this.#options.stay.cut(awayMs);
  }

  /** Destroys the socket of this connection and, once it has brought so many of these, that of the next. */
  cutTwice(moment: Moment, count: number, awayMs?: number): void {
    this.cut(awayMs);
    this.#left[moment] = count;
  }

  /** Reads no more, until `resume`. */
  pause(): void {
    this.#options.stay.link?.pause();
  }

  /** Reads on. */
  resume(): void {
    this.#options.stay.link?.resume();
  }

  #witness(): Witness {
    const { fortunes } = this;
    return {
      opened: () => (fortunes.connections += 1),
      subscribed: (channel) => this.#isTold(channel),
      unsubscribed: (channel) => void this.#subscribed.delete(channel),
      saw: (sight) => void this.#seen.push(sight),
      resumed: (isRecovered) => {
        if (isRecovered) fortunes.recovered += 1;
        else fortunes.unrecovered += 1;
      },
      gapTold: (reason) => add(fortunes.gaps, reason),
      surprised: (text) => void fortunes.surprises.push(text),
      wasRead: (moment) => this.#wasRead(moment),
      ended: (ending) => {
        this.#subscribed.clear();
        add(fortunes.endings, ending);
      },
    };
  }

  #isTold(channel: string): void {
    this.#subscribed.add(channel);
    if (this.isSubscribed) this.#away.push({ fromMs: this.#lastMs, toMs: performance.now() });
  }

  #wasRead(moment: Moment): void {
    if (this.isSubscribed) this.#lastMs = performance.now();
    this.#left[moment] -= 1;
    if (this.#left[moment] > 0) return;
    this.#left = { reply: Infinity, message: Infinity };
    this.cut();
  }
}

function add(counts: Map<string, number>, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}
