import type { SocketConstructor, SocketLike } from '#client/socket.js';

import type { Said } from './refreshing.ts';
import { until } from './wait.ts';

/** Who a client is, by a bearer or by what it offers, and what it subscribes to as soon as it may, from which cursor. */
export interface SurfaceOptions {
  readonly bearer?: string;
  readonly offer?: string;
  readonly wishes?: Readonly<Record<string, string | undefined>>;
}

/** A client that talks to a socket by hand, and keeps all that it is told. */
export class Surface {
  readonly #socket: SocketLike;
  readonly #news: Said[] = [];
  readonly #asked = new Map<unknown, string>();
  #lastId = 0;
  isOpen = false;
  /** Each `welcome`. */
  readonly welcomes: Said[] = [];
  /** The last answer to a `subscribe`, without its `id`, by channel. */
  readonly answers = new Map<string, Said>();
  /** The last cursor by channel, as a client keeps it. */
  readonly cursors = new Map<string, string>();
  /** How it ended; undefined: it has not. */
  end: { readonly code: number; readonly reason: string } | undefined;

  constructor(Socket: SocketConstructor, port: number, options: SurfaceOptions) {
    const { bearer, offer, wishes = {} } = options;
    const offers = offer === undefined ? [] : [offer];
    this.#socket = new Socket(`ws://127.0.0.1:${port}/ws`, ['postern.v1', ...offers]);
    this.#socket.onopen = () => {
      this.isOpen = true;
      if (bearer !== undefined) this.say('auth', { token: bearer });
    };
    this.#socket.onmessage = ({ data }: { readonly data: unknown }) => {
      const message: Said = { ...Object(JSON.parse(String(data))) };
      this.#keep(message);
      if (message['type'] === 'welcome' && this.welcomes.length === 1)
        for (const [channel, from] of Object.entries(wishes)) this.subscribe(channel, from);
    };
    this.#socket.onclose = (end: { readonly code: number; readonly reason: string }) => {
      if (this.end !== undefined) throw new Error('It has ended twice');
      this.end = end;
    };
  }

  /** What else it was told, and nobody took. */
  get news(): readonly Said[] {
    return this.#news;
  }

  /** Says a command, and returns its id. */
  say(type: string, members: Said = {}): number {
    this.#lastId += 1;
    this.#socket.send(JSON.stringify({ type, id: this.#lastId, ...members }));
    return this.#lastId;
  }

  /** Subscribes; the answer is kept. */
  subscribe(channel: string, from?: string): void {
    // The answer may come at once.
    this.#asked.set(this.#lastId + 1, channel);
    this.answers.delete(channel);
    this.say('subscribe', { channel, from });
  }

  /** Waits until it was answered about these channels, and returns that. */
  async answered(...channels: readonly string[]): Promise<readonly (Said | undefined)[]> {
    await this.#until(`an answer about ${channels.join()}`, () =>
      channels.every((channel) => this.answers.has(channel)),
    );
    return channels.map((channel) => this.answers.get(channel));
  }

  /** The next thing that it is told beside all that, which is of this type. */
  async said(type: string): Promise<Said> {
    const message = await this.#until(`a message of type ${type}`, () => this.#news.shift());
    if (message['type'] !== type)
      throw new Error(`In place of ${type}: ${JSON.stringify(message)}`);
    return message;
  }

  /** Channel and number of the next so many messages. */
  async numbers(count: number): Promise<readonly (readonly unknown[])[]> {
    const all: (readonly unknown[])[] = [];
    while (all.length < count) {
      const { channel, payload } = await this.said('message');
      all.push([channel, Object(payload).n]);
    }
    return all;
  }

  /** The code of its end. */
  async ended(): Promise<number> {
    return (await until('the end of the socket', () => this.end)).code;
  }

  close(): void {
    this.#socket.close();
  }

  #keep(message: Said): void {
    const { type, id, channel, cursor } = message;
    const about = this.#asked.get(id) ?? String(channel);
    if (typeof cursor === 'string') this.cursors.set(about, cursor);
    if (type === 'welcome') this.welcomes.push(message);
    else if (this.#asked.has(id)) {
      const { id: _, ...answer } = message;
      this.#asked.delete(id);
      this.answers.set(about, answer);
    } else this.#news.push(message);
  }

  #until<T>(what: string, check: () => T | false | undefined): Promise<T> {
    return until(what, () => {
      const found = check();
      const { end } = this;
      if (end !== undefined && (found === undefined || found === false))
        throw new Error(`Waited for ${what}, and it ended: ${end.code} ${end.reason}`);
      return found;
    });
  }
}

/** Asks for streams of which only so many bytes arrive. */
export function cutAfter(bytes: () => number): typeof fetch {
  return async (target, init) => {
    const { body, headers } = await fetch(target, init);
    let left = bytes();
    const cut = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => {
        controller.enqueue(chunk.subarray(0, left));
        left -= chunk.length;
        if (left <= 0) controller.terminate();
      },
    });
    return new Response(body?.pipeThrough(cut) ?? null, { headers });
  };
}
