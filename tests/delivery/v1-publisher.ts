import { setTimeout as delay } from 'node:timers/promises';

import type { WebSocket } from 'ws';

import type { Outcome } from './account.ts';
import { Book } from './books.ts';
import { openConnection } from './connection.ts';
import type { Message } from './connection.ts';
import { Pace } from './pace.ts';

/** Where it publishes to, and how much. */
export interface V1PublisherOptions {
  readonly name: string;
  readonly channels: readonly string[];
  readonly token: string;
  readonly port: () => number;
  readonly perSecond: number;
}

const RETRY_MS = 100;

/** What is known of a message whose connection has ended: nothing. */
const CUT = { type: 'cut' } as const;

/** Publishes over `postern.v1`, each message with a key, and after it is known what became of the one before. */
export class V1Publisher {
  readonly book: Book;
  /** How often it was told that an outcome is unknown, or was cut off before it was told any. */
  doubts = 0;
  readonly #options: V1PublisherOptions;
  readonly #pace: Pace;
  #socket: WebSocket | undefined;
  #answer: (message: Message) => void = () => undefined;
  #ending: Promise<void> | undefined;
  #stopping = false;

  constructor(options: V1PublisherOptions) {
    this.#options = options;
    this.book = new Book(options.name);
    this.#pace = new Pace(options.perSecond);
  }

  /** Begins. */
  start(): void {
    this.#ending ??= this.#publishOn();
  }

  /** Ends after the message that is under way. Harmless when called again. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#ending;
    this.cut();
  }

  /** Destroys the socket: the answer that is due will not come. */
  cut(): void {
    this.#socket?.terminate();
  }

  async #publishOn(): Promise<void> {
    while (!this.#stopping) {
      await this.#pace.turn();
      await this.#publish();
    }
  }

  /** Sends one, with its key again and again until it is known what became of it. */
  async #publish(): Promise<void> {
    const { channels } = this.#options;
    const count = this.book.publications.length;
    const draft = this.book.begin(channels[count % channels.length] ?? '');
    const { publisher, number, channel } = draft;
    const payload = { publisher, number };
    const key = `${publisher}-${number}`;
    const command = { type: 'publish', id: number + 1, channel, payload, key };
    do {
      const socket = await this.#connected();
      draft.outcome = outcomeOf(await this.#ask(socket, command));
      if (draft.outcome === 'unknown') this.doubts += 1;
    } while (draft.outcome === 'unknown' && !this.#stopping);
  }

  async #connected(): Promise<WebSocket> {
    for (;;) {
      this.#socket ??= await this.#connect();
      if (this.#socket !== undefined) return this.#socket;
      await delay(RETRY_MS);
    }
  }

  #ask(socket: WebSocket, command: Message): Promise<Message> {
    return new Promise((settle) => {
      this.#answer = settle;
      if (this.#socket === socket) socket.send(JSON.stringify(command));
      else settle(CUT);
    });
  }

  /** Undefined: it was refused. */
  #connect(): Promise<WebSocket | undefined> {
    const { port, token } = this.#options;
    return new Promise((settle) => {
      const socket = openConnection({
        port: port(),
        token,
        onMessage: (message) => {
          const { type } = message;
          if (type === 'welcome') settle(socket);
          else if (type === 'ok' || type === 'error') this.#answer(message);
        },
        onEnd: () => {
          if (this.#socket === socket) this.#socket = undefined;
          settle(undefined);
          this.#answer(CUT);
        },
      });
    });
  }
}

/** What an answer says. Whatever else was refused was not committed. */
function outcomeOf({ type, code }: Message): Outcome {
  if (type === 'ok') return 'committed';
  return type === 'error' && code !== 'outcome_unknown' ? 'rolled back' : 'unknown';
}
