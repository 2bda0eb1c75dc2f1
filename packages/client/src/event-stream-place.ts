import type { StreamNews } from './event-stream-reader.ts';
import type { GapReason } from './protocol/messages.ts';

/** Channels, and the cursor that is shown for each; undefined: none is. */
export type Wishes = ReadonlyMap<string, string | undefined>;

/**
 * What a stream has told. These are facts of the feed, true for whoever shows one of these cursors, whichever stream
 * and whichever client it has it from.
 */
export interface Told {
  /** Up to here everything of its channels was told. */
  readonly id: string | undefined;
  /** A place of each of its channels: between that and `id` there is nothing of the channel. */
  readonly cursors: ReadonlyMap<string, string>;
}

/** Nothing yet. */
export const NOTHING_TOLD: Told = { id: undefined, cursors: new Map() };

/**
 * From where a stream has to begin for these wishes, which has one cursor for all its channels: where the one before
 * ended, if one of them goes on from that; from the cursor of all that show one, if that is the same. Undefined: from
 * now on.
 */
export function beginningFor(wishes: Wishes, told: Told): string | undefined {
  const shown = [...wishes].filter(([, from]) => from !== undefined);
  if (shown.some(([channel, from]) => told.cursors.get(channel) === from)) return told.id;
  const [first, ...others] = new Set(shown.map(([, from]) => from));
  return others.length === 0 ? first : undefined;
}

/** What the connections of a client leave for the next one. */
export interface StreamMemory {
  told: Told;
  /** What was subscribed to at the end: the next stream is asked for before the client can say so again. */
  wished: Wishes;
  /** Channels that were granted when they were asked for last. */
  readonly granted: Set<string>;
}

/** How far one stream has come, and each of its channels. */
export class StreamPlace implements Told {
  id: string | undefined;
  readonly cursors = new Map<string, string>();
  /** Why something of a channel is missing that nobody listened to when it was told. */
  readonly holes = new Map<string, GapReason>();
  /** Whether the stream has said of which channels it cannot tell what was missed. */
  hasBegun: boolean;
  /** Whether it has told all that was missed. */
  isLive: boolean;

  /** @param id - With its `welcome`; undefined: the cursor that was shown is not known. */
  constructor(channels: readonly string[], from: string | undefined, told: Told, id = from) {
    this.id = id;
    this.hasBegun = this.isLive = from === undefined;
    const before = from === told.id ? told.cursors : NOTHING_TOLD.cursors;
    for (const channel of channels) {
      const cursor = before.get(channel) ?? id;
      if (cursor !== undefined) this.cursors.set(channel, cursor);
    }
  }

  /** Something has come. */
  reach({ id, message }: StreamNews): void {
    this.id = id ?? this.id;
    // While a stream tells what was missed it says no mark: the first one comes when that is over.
    if (message === undefined) this.isLive = true;
    else if (message.type === 'message' || message.type === 'gap')
      this.cursors.set(message.channel, message.cursor);
    if (message?.type === 'gap') this.holes.set(message.channel, message.reason);
  }
}
