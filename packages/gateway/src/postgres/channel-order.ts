import type { PayloadReference } from './payload-reference.ts';

/** Who gets what comes, in the order of the commits, and where the long texts come from. */
export interface ChannelOrderOptions {
  /** Which channel a text is for. */
  readonly channelOf: (text: string) => string;
  readonly publish: (text: string) => void;
  /** A text of this channel cannot be had. */
  readonly lost: (channel: string) => void;
  /** Asks for a long text: it comes by {@link ChannelOrder.arrived}, or word that there is none. */
  readonly want: (id: string) => void;
  /** Most bytes that may wait. Default: 16 MiB. */
  readonly mostBytes?: number;
}

const MOST_BYTES = 16 * 1024 * 1024;

/** What is remembered of those that came lately. Who notifies a reference once more doubles no message. */
const REMEMBERED = 4_096;

/** One text of a channel, at its place: undefined as long as it is not there, or `lost`. */
interface Entry {
  /** Of a long text. */
  readonly id: string | undefined;
  state: 'awaited' | 'here' | 'lost';
  text: string;
  bytes: number;
}

/** What waits of a channel: the first is always one that is awaited. */
interface Waiting {
  readonly channel: string;
  readonly entries: Entry[];
  bytes: number;
}

/**
 * Keeps the order of each channel while long texts of it are fetched: what comes for the same channel waits
 * behind them, and other channels flow on. What waits is bounded; the channel that has most of it loses all of
 * its own, and is told so.
 */
export class ChannelOrder {
  readonly #options: ChannelOrderOptions;
  readonly #waiting = new Map<string, Waiting>();
  /** By id, what is awaited. */
  readonly #awaited = new Map<string, { readonly waiting: Waiting; readonly entry: Entry }>();
  readonly #lately = new Set<string>();
  #bytes = 0;

  constructor(options: ChannelOrderOptions) {
    this.#options = options;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A notification came. Runs once for each, and does nothing more while nothing is awaited. */
  notified(text: string): void {
    if (this.#waiting.size === 0) {
      this.#options.publish(text);
      return;
    }
    const waiting = this.#waiting.get(this.#options.channelOf(text));
    if (waiting === undefined) {
      this.#options.publish(text);
      return;
    }
    const bytes = Buffer.byteLength(text);
    this.#append(waiting, { id: undefined, state: 'here', text, bytes });
  }

  /** A reference came: the place of a text that has yet to be fetched. */
  referred({ id, channel }: PayloadReference): void {
    if (this.#lately.has(id)) return;
    this.#remember(id);
    const waiting = this.#waiting.get(channel) ?? { channel, entries: [], bytes: 0 };
    this.#waiting.set(channel, waiting);
    const bytes = id.length + channel.length;
    const entry: Entry = { id, state: 'awaited', text: '', bytes };
    this.#awaited.set(id, { waiting, entry });
    this.#append(waiting, entry);
    if (this.#awaited.has(id)) this.#options.want(id);
  }

  /** A text that was wanted is there; undefined: it cannot be had. */
  arrived(id: string, text: string | undefined): void {
    const awaited = this.#awaited.get(id);
    if (awaited === undefined) return;
    this.#awaited.delete(id);
    const { waiting, entry } = awaited;
    // Whoever refers to a text of another channel would be told by it what is said there.
    if (text === undefined || this.#options.channelOf(text) !== waiting.channel) {
      entry.state = 'lost';
    } else {
      entry.state = 'here';
      entry.text = text;
      this.#grow(waiting, entry, Buffer.byteLength(text));
    }
    this.#flow(waiting);
    this.#bound();
  }

  /** Nobody is to be told of what waits: everybody is told that something is missing. */
  drop(): void {
    this.#waiting.clear();
    this.#awaited.clear();
    this.#lately.clear();
    this.#bytes = 0;
  }

  #append(waiting: Waiting, entry: Entry): void {
    waiting.entries.push(entry);
    waiting.bytes += entry.bytes;
    this.#bytes += entry.bytes;
    this.#bound();
  }

  #grow(waiting: Waiting, entry: Entry, bytes: number): void {
    entry.bytes += bytes;
    waiting.bytes += bytes;
    this.#bytes += bytes;
  }

  /** Hands on what need not wait any more. */
  #flow(waiting: Waiting): void {
    const { channel, entries } = waiting;
    const end = entries.findIndex(({ state }) => state === 'awaited');
    const ready = entries.splice(0, end === -1 ? entries.length : end);
    for (const { bytes } of ready) {
      waiting.bytes -= bytes;
      this.#bytes -= bytes;
    }
    if (entries.length === 0) this.#waiting.delete(channel);
    for (const { state, text } of ready) {
      if (state === 'lost') this.#options.lost(channel);
      else this.#options.publish(text);
    }
  }

  #bound(): void {
    const { mostBytes = MOST_BYTES } = this.#options;
    while (this.#bytes > mostBytes) {
      const [largest] = [...this.#waiting.values()].toSorted((a, b) => b.bytes - a.bytes);
      if (largest === undefined) return;
      this.#waiting.delete(largest.channel);
      this.#bytes -= largest.bytes;
      for (const { id } of largest.entries) if (id !== undefined) this.#awaited.delete(id);
      this.#options.lost(largest.channel);
    }
  }

  #remember(id: string): void {
    this.#lately.add(id);
    if (this.#lately.size <= REMEMBERED) return;
    for (const oldest of this.#lately) {
      this.#lately.delete(oldest);
      return;
    }
  }
}
