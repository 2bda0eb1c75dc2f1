import { setTimeout as delay } from 'node:timers/promises';

import { WebSocket } from 'ws';

import type { Account, Publication, Sight } from './account.ts';
import { nameOf } from './account.ts';
import { openConnection } from './connection.ts';
import type { Message } from './connection.ts';
import { Positions } from './positions.ts';
import type { Trust } from './positions.ts';

/** Who subscribes to what, and where. */
export interface SubscriberOptions {
  readonly name: string;
  readonly channels: readonly string[];
  readonly token: string;
  /** Asked before each connection. */
  readonly port: () => number;
  /** How long it stays away after a connection has ended; asked each time. */
  readonly awayMs: () => number;
  readonly trust: Trust;
}

/** What happened to it, beside what it saw. */
export interface Fortunes {
  connections: number;
  /** Subscriptions with a cursor, and what was said to them. */
  recovered: number;
  unrecovered: number;
  /** How its connections ended, and how often. */
  readonly endings: Map<string, number>;
  /** By reason. */
  readonly gaps: Map<string, number>;
  /** Replies that nothing here asks for. */
  readonly surprises: string[];
}

/** Reads channels over `postern.v1`, and goes on where it was whenever its connection has ended. */
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
  readonly #positions: Positions;
  readonly #stopping = new AbortController();
  #socket: WebSocket | undefined;
  #subscribed = new Set<string>();
  #messagesLeft = Infinity;
  #ending: Promise<void> | undefined;

  constructor(options: SubscriberOptions) {
    this.name = options.name;
    this.#options = options;
    this.#positions = new Positions(options.trust);
  }

  /** What it has seen so far. */
  get account(): Account {
    return { subscriber: this.name, channels: this.#options.channels, seen: this.#seen };
  }

  /** Whether it is connected, and subscribed to all its channels. */
  get isSubscribed(): boolean {
    return this.#subscribed.size === this.#options.channels.length;
  }

  /** Whether it reads what comes. */
  get isReading(): boolean {
    return this.#socket?.isPaused === false;
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

  /** Destroys the socket: what was not read by then is lost with it. */
  cut(): void {
    this.#socket?.terminate();
  }

  /** Destroys the socket of this connection and, once so many messages were read from it, of the next. */
  cutTwice(messages: number): void {
    this.cut();
    this.#messagesLeft = messages;
  }

  /** Reads no more, until `resume`. */
  pause(): void {
    this.#socket?.pause();
  }

  /** Reads on. */
  resume(): void {
    this.#socket?.resume();
  }

  async #stay(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#visit();
      await delay(this.#options.awayMs(), undefined, { signal }).catch(() => undefined);
    }
  }

  /** One connection, from its opening to its end. */
  #visit(): Promise<void> {
    const { port, token } = this.#options;
    return new Promise((settle) => {
      const socket = openConnection({
        port: port(),
        token,
        onMessage: (message) => this.#read(socket, message),
        onEnd: (ending) => {
          this.#subscribed.clear();
          add(this.fortunes.endings, ending);
          settle();
        },
      });
      this.#socket = socket;
    });
  }

  #read(socket: WebSocket, message: Message): void {
    // What was read in one go with the frame at which the socket was destroyed was lost with it.
    if (socket.readyState !== WebSocket.OPEN) return;
    const { channel } = message;
    if (message['type'] === 'welcome') this.#subscribe(socket);
    else if (message['type'] === 'ok') this.#answered(message);
    else if (typeof channel === 'string') this.#told(channel, message);
    else if (message['type'] !== 'status') this.fortunes.surprises.push(JSON.stringify(message));
    if (--this.#messagesLeft > 0) return;
    this.#messagesLeft = Infinity;
    socket.terminate();
  }

  #subscribe(socket: WebSocket): void {
    this.fortunes.connections += 1;
    for (const [index, channel] of this.#options.channels.entries()) {
      const from = this.#positions.of(channel);
      const id = index + 1;
      socket.send(JSON.stringify({ type: 'subscribe', id, channel, from }));
    }
  }

  #answered(reply: Message): void {
    const channel = this.#options.channels[Number(reply['id']) - 1] ?? '';
    this.#subscribed.add(channel);
    const { recovered } = reply;
    if (recovered === true) this.fortunes.recovered += 1;
    if (recovered === false) this.fortunes.unrecovered += 1;
    const isGap = this.#positions.answered(channel, reply);
    if (isGap) this.#seen.push({ type: 'gap', channel, atMs: performance.now() });
  }

  #told(channel: string, { type, cursor, payload, reason }: Message): void {
    this.#positions.passed(channel, cursor);
    if (type === 'gap') {
      add(this.fortunes.gaps, String(reason));
      this.#seen.push({ type: 'gap', channel, atMs: performance.now() });
    } else {
      const { publisher, number } = Object(payload);
      this.#seen.push({
        type: 'message',
        channel,
        publisher: String(publisher),
        number: Number(number),
      });
    }
  }
}

function add(counts: Map<string, number>, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}
