import { setTimeout as delay } from 'node:timers/promises';

import { createClient } from '@postern/client';
import type { Client, SocketConstructor } from '@postern/client';

import { Cable } from './cable.ts';
import type { Tap } from './cable.ts';
import { follows } from './client-follow.ts';
import type { Link, Stay, Witness } from './reader.ts';

/** Who it is, and how it follows its channels. */
export interface ClientStayOptions {
  readonly channels: readonly string[];
  readonly token: string;
  readonly manner: keyof typeof follows;
  readonly Socket: SocketConstructor;
  readonly port: () => number;
  readonly awayMs: () => number;
  /** After how many messages it leaves a channel, to come back to it where it was; asked each time. */
  readonly messages: () => number;
  /** After how long; 0: at once. */
  readonly pauseMs: () => number;
}

/** Comes back in no time, so that much happens while it is there. */
export const QUICK = { baseMs: 20, capMs: 100 };

/** `@postern/client` in a reader's place: it connects, comes back and resumes by itself. */
export class ClientStay implements Stay {
  readonly #options: ClientStayOptions;
  readonly #stopping = new AbortController();
  /** A client that is closed tells no listener of its end. */
  readonly #stopped = new Promise<{ readonly cursor: undefined }>((settle) => {
    this.#stopping.signal.addEventListener('abort', () => settle({ cursor: undefined }));
  });
  #cable: Cable | undefined;
  #following: Promise<unknown> | undefined;

  constructor(options: ClientStayOptions) {
    this.#options = options;
  }

  get link(): Link | undefined {
    return this.#cable?.link;
  }

  start(witness: Witness): void {
    const { channels, token } = this.#options;
    if (this.#cable !== undefined) return;
    this.#cable = new Cable({ ...this.#options, tap: tapOf(witness) });
    const client = createClient({
      // Which port it is, the cable knows.
      url: 'ws://127.0.0.1:1/ws',
      WebSocket: this.#cable.Socket,
      backoff: QUICK,
      getToken: () => token,
      onError: (error) => witness.surprised(String(error)),
      signal: this.#stopping.signal,
    });
    client.on('state', (state) => {
      if (state.name === 'stopped') witness.surprised(`stopped: ${state.error.code}`);
    });
    this.#following = Promise.all(channels.map((name) => this.#follow(client, name, witness)));
  }

  cut(awayMs?: number): void {
    this.#cable?.cut(awayMs);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#following;
  }

  async #follow(client: Client, name: string, witness: Witness): Promise<void> {
    const { manner, messages, pauseMs } = this.#options;
    const { signal } = this.#stopping;
    const channel = client.channel(name);
    let left: { readonly cursor: string | undefined } = { cursor: undefined };
    while (!signal.aborted) {
      try {
        // Where it was is asked for as it comes back.
        const from = left.cursor;
        const followed = follows[manner]({ ...witness, channel, from, messages: messages() });
        left = await Promise.race([followed, this.#stopped]);
      } catch (error) {
        witness.surprised(String(error));
      }
      const ms = pauseMs();
      if (ms > 0) await delay(ms, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** By what passes, and not by what the client says, it is known whether it is subscribed. */
function tapOf(witness: Witness): Tap {
  return {
    said: ({ type, channel }) => {
      if (type === 'unsubscribe') witness.unsubscribed(String(channel));
    },
    told: ({ type, recovered }, command) => {
      const isReply = type === 'ok' && command?.['type'] === 'subscribe';
      if (type === 'welcome') witness.opened();
      if (isReply) witness.subscribed(String(command['channel']));
      if (isReply && typeof recovered === 'boolean') witness.resumed(recovered);
      witness.wasRead(isReply ? 'reply' : 'message');
    },
    ended: (ending) => witness.ended(ending),
  };
}
