import { setTimeout as delay } from 'node:timers/promises';

import type { Account, Publication, Sight, Span } from './account.ts';
import { nameOf } from './account.ts';
import type { Link, Moment, Reader } from './reader.ts';

/** Who subscribes to what, and where. */
export interface SubscriberOptions {
  readonly name: string;
  readonly channels: readonly string[];
  readonly reader: Reader;
  /** Asked before each connection. */
  readonly port: () => number;
  /** How long it stays away after a connection has ended; asked each time. */
  readonly awayMs: () => number;
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
  readonly #stopping = new AbortController();
  readonly #subscribed = new Set<string>();
  readonly #away: Span[] = [];
  /** When it read something last of a connection on which it was subscribed. */
  #lastMs = performance.now();
  #link: Link | undefined;
  /** What the link is still to bring before it is cut. */
  #left: Record<Moment, number> = { reply: Infinity, message: Infinity };
  #awayMs: number | undefined;
  #ending: Promise<void> | undefined;

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
    return this.#link?.isOpen === true && this.#subscribed.size === this.#options.channels.length;
  }

  /** Whether it reads what comes. */
  get isReading(): boolean {
    return this.#link?.isPaused === false;
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
    this.#ending ??= this.#stay();
  }

  /** Ends for good. Harmless when called again. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.cut();
    await this.#ending;
  }

  /** Destroys the socket: what was not read by then is lost with it. Then stays away so long, if that is given. */
  cut(awayMs?: number): void {
    this.#awayMs = awayMs;
    this.#link?.terminate();
  }

  /** Destroys the socket of this connection and, once it has brought so many of these, that of the next. */
  cutTwice(moment: Moment, count: number): void {
    this.cut();
    this.#left[moment] = count;
  }

  /** Reads no more, until `resume`. */
  pause(): void {
    this.#link?.pause();
  }

  /** Reads on. */
  resume(): void {
    this.#link?.resume();
  }

  async #stay(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#visit();
      const awayMs = this.#awayMs ?? this.#options.awayMs();
      this.#awayMs = undefined;
      await delay(awayMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** One connection, from its opening to its end. */
  #visit(): Promise<void> {
    const { reader, port } = this.#options;
    const { fortunes } = this;
    return new Promise((settle) => {
      this.#link = reader.open(port(), {
        opened: () => (fortunes.connections += 1),
        subscribed: (channel) => this.#isTold(channel),
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
          settle();
        },
      });
    });
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
