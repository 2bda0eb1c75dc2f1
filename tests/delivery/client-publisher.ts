import { createClient } from '@postern/client';
import type { Client } from '@postern/client';
import { WebSocket } from 'ws';

import { Book } from './books.ts';
import { Cable } from './cable.ts';
import { QUICK } from './client-stay.ts';
import { Pace } from './pace.ts';
import type { V1PublisherOptions } from './v1-publisher.ts';

/** Publishes by `@postern/client`, each message with a key, and after the one before was answered. */
export class ClientPublisher {
  readonly book: Book;
  /** How often a connection ended before an answer came. */
  doubts = 0;
  readonly #channels: readonly string[];
  readonly #pace: Pace;
  readonly #cable: Cable;
  readonly #client: Client;
  #cuts = 0;
  #ending: Promise<void> | undefined;
  #stopping = false;

  constructor({ name, channels, token, port, perSecond }: V1PublisherOptions) {
    this.book = new Book(name);
    this.#channels = channels;
    this.#pace = new Pace(perSecond);
    this.#cable = new Cable({
      Socket: WebSocket,
      port,
      awayMs: () => 0,
      tap: {
        said: () => undefined,
        told: () => undefined,
        ended: (_ending, unanswered) => {
          this.doubts += unanswered.filter(({ type }) => type === 'publish').length;
        },
      },
    });
    this.#client = createClient({
      // Which port it is, the cable knows.
      url: 'ws://127.0.0.1:1/ws',
      WebSocket: this.#cable.Socket,
      backoff: QUICK,
      getToken: () => token,
    });
  }

  /** Begins. */
  start(): void {
    this.#ending ??= this.#publishOn();
    // Whoever stops it is told.
    this.#ending.catch(() => undefined);
  }

  /** Ends after the message that is under way; rejects when one was: with a key none ever is. Harmless when called again. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#ending;
    this.#client.close();
  }

  /** Destroys the socket under a publication: that is on its way then, or it was answered and the client not told. */
  cut(): void {
    this.#cuts += 1;
    this.#cable.cutInstead(this.#cuts % 2 === 0 ? 'answer' : 'command');
  }

  async #publishOn(): Promise<void> {
    while (!this.#stopping) {
      await this.#pace.turn();
      const count = this.book.publications.length;
      const draft = this.book.begin(this.#channels[count % this.#channels.length] ?? '');
      const { publisher, number, channel } = draft;
      await this.#client
        .channel(channel)
        .publish({ publisher, number }, { key: `${publisher}-${number}` });
      draft.outcome = 'committed';
    }
  }
}
