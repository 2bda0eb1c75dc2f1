import { randomBytes } from 'node:crypto';
import { Queue } from '../queue.ts';

/** How much is kept. */
export interface HistoryOptions {
  /** Seconds that a message is kept; 0: none is. */
  readonly seconds: number;
  /** Most bytes of memory that all that is kept may take; 0: nothing is kept. */
  readonly bytes: number;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
}

/** A message that is kept, as its subscribers were told it. */
export interface KeptMessage {
  readonly cursor: string;
  readonly text: string;
}

/** A channel that is read. */
export interface Reading {
  readonly channel: string;
  /** Nothing of it is wanted up to this cursor; undefined: all is. */
  readonly begin?: string | undefined;
}

/** Part of what came after a cursor. */
export interface Slice {
  readonly messages: readonly KeptMessage[];
  /** Where it ends. */
  readonly cursor: string;
  /** Whether nothing comes after it. */
  readonly isLast: boolean;
}

/** Why what came after a cursor is not known: the cursor is not of this feed, or too much has come since. */
export type Hole = 'unknown_cursor' | 'too_old';

interface Kept {
  readonly record: ChannelRecord;
  readonly sequence: number;
  /** Whole seconds: a number with a fraction would be an object of its own. */
  readonly second: number;
  readonly text: string;
}

interface ChannelRecord {
  readonly channel: string;
  readonly messages: Queue<Kept>;
  /** Up to here something of the channel may be missing. */
  missingUpTo: number;
}

/** What a message takes beside its text: measured, rounded up; see docs/performance.md. */
const MESSAGE_BYTES = 160;

/** What a channel takes of which messages are kept, beside these and its name: likewise. */
const CHANNEL_BYTES = 350;

/** What it takes to know of a channel of which nothing is kept, beside its name: likewise. */
const QUIET_BYTES = 120;

/** The part of the bytes that channels may take of which nothing is kept. */
const QUIET_SHARE = 1 / 8;

/** Characters beyond the first 256 make a string take two bytes for each. */
const WIDE = /[\u0100-\uffff]/;

/**
 * The latest messages of all channels, each with its place in one sequence for the whole feed, which is the
 * order in which they were handed out. A cursor names a place of this very feed: where that was interrupted
 * another one begins, with an epoch of its own, and nobody is told that it goes on from the one before.
 */
export class History {
  readonly #options: HistoryOptions;
  readonly #channels = new Map<string, ChannelRecord>();
  /**
   * Channels of which nothing is kept any more, and up to where something may be missing, oldest first: a
   * client of a channel on which little happens would else be told of a loss that never was.
   */
  readonly #quiet = new Map<string, number>();
  #all = new Queue<Kept>();
  #epoch = newEpoch();
  #sequence = 0;
  /** As `missingUpTo`, for channels that nothing is known of. */
  #missingElsewhere = 0;
  #keptBytes = 0;
  #quietBytes = 0;

  constructor(options: HistoryOptions) {
    this.#options = options;
  }

  /** The place of what came last. */
  get cursor(): string {
    return this.#cursorAt(this.#sequence);
  }

  /** The memory that all that is kept takes, about. */
  get bytes(): number {
    return this.#keptBytes + this.#quietBytes;
  }

  /** Gives one more message its place. `tell` makes its text, which is returned, and kept. */
  add(channel: string, tell: (cursor: string) => string): string {
    this.#sequence += 1;
    const text = tell(this.cursor);
    const record = this.#recordOf(channel);
    const kept: Kept = { record, sequence: this.#sequence, second: this.#second(), text };
    record.messages.push(kept);
    this.#all.push(kept);
    this.#keptBytes += bytesOf(kept);
    this.#trim();
    return text;
  }

  /** Something of the channel is lost, and never had a place. Nobody is told that what came before it goes on. */
  interrupt(channel: string): void {
    this.#sequence += 1;
    const record = this.#channels.get(channel);
    if (record === undefined) this.#hush(channel, this.#sequence);
    else record.missingUpTo = this.#sequence;
  }

  /** Anything may be lost: forgets everything, and no cursor of before is known any more. */
  restart(): void {
    this.#channels.clear();
    this.#quiet.clear();
    this.#all = new Queue();
    this.#epoch = newEpoch();
    this.#sequence = 0;
    this.#missingElsewhere = 0;
    this.#keptBytes = 0;
    this.#quietBytes = 0;
  }

  /** What hinders that all of a channel that came after a cursor is known; undefined: nothing. */
  holeAfter(channel: string, cursor: string): Hole | undefined {
    const after = this.#placeOf(cursor);
    if (after === undefined) return 'unknown_cursor';
    this.#trim();
    const missingUpTo =
      this.#channels.get(channel)?.missingUpTo ??
      this.#quiet.get(channel) ??
      this.#missingElsewhere;
    return after < missingUpTo ? 'too_old' : undefined;
  }

  /**
   * What is kept of some channels and came after a cursor, in the order in which it came: up to the message
   * that makes it `enough` characters. Nothing, and last, for a cursor that is not known.
   */
  read(readings: readonly Reading[], cursor: string, enough: number): Slice {
    const sources = readings.flatMap(({ channel, begin = '' }) => {
      const record = this.#channels.get(channel);
      return record === undefined
        ? []
        : { messages: record.messages, begin: this.#placeOf(begin) ?? 0 };
    });
    const messages: KeptMessage[] = [];
    let place = this.#placeOf(cursor) ?? this.#sequence;
    for (let size = 0; size < enough;) {
      const next = firstAfter(sources, place);
      if (next === undefined) return { messages, cursor: this.cursor, isLast: true };
      place = next.sequence;
      size += next.text.length;
      messages.push({ cursor: this.#cursorAt(place), text: next.text });
    }
    return { messages, cursor: this.#cursorAt(place), isLast: false };
  }

  #cursorAt(sequence: number): string {
    return `${this.#epoch}.${sequence}`;
  }

  /** The place that a cursor names; undefined: none of this feed. */
  #placeOf(cursor: string): number | undefined {
    const [epoch, digits = '', ...rest] = cursor.split('.', 3);
    if (epoch !== this.#epoch || rest.length > 0 || !/^\d{1,15}$/.test(digits)) return undefined;
    const place = Number(digits);
    return place <= this.#sequence ? place : undefined;
  }

  #second(): number {
    return Math.floor(this.#options.nowMs() / 1000);
  }

  #recordOf(channel: string): ChannelRecord {
    const known = this.#channels.get(channel);
    if (known !== undefined) return known;
    const missingUpTo = this.#quiet.get(channel) ?? this.#missingElsewhere;
    this.#wake(channel);
    const record: ChannelRecord = { channel, messages: new Queue(), missingUpTo };
    this.#channels.set(channel, record);
    this.#keptBytes += channelBytesOf(channel);
    return record;
  }

  /** Drops what is too old, or too much. */
  #trim(): void {
    const { seconds, bytes } = this.#options;
    const oldest = this.#second() - seconds;
    const mostBytes = bytes * (1 - QUIET_SHARE);
    for (let kept = this.#all.at(0); kept !== undefined; kept = this.#all.at(0)) {
      if (seconds > 0 && kept.second >= oldest && this.#keptBytes <= mostBytes) return;
      this.#drop(kept);
    }
  }

  /** Drops the oldest message of all, which is the oldest of its channel. */
  #drop(kept: Kept): void {
    const { record, sequence } = kept;
    this.#all.shift();
    record.messages.shift();
    this.#keptBytes -= bytesOf(kept);
    record.missingUpTo = Math.max(record.missingUpTo, sequence);
    if (record.messages.length > 0) return;
    this.#channels.delete(record.channel);
    this.#keptBytes -= channelBytesOf(record.channel);
    this.#hush(record.channel, record.missingUpTo);
  }

  /** Remembers of a channel only up to where something of it is missing; and for how many, is bounded. */
  #hush(channel: string, missingUpTo: number): void {
    this.#wake(channel);
    this.#quiet.set(channel, missingUpTo);
    this.#quietBytes += quietBytesOf(channel);
    const mostBytes = this.#options.bytes * QUIET_SHARE;
    for (const [oldest, upTo] of this.#quiet) {
      if (this.#quietBytes <= mostBytes) return;
      this.#wake(oldest);
      this.#missingElsewhere = Math.max(this.#missingElsewhere, upTo);
    }
  }

  #wake(channel: string): void {
    if (this.#quiet.delete(channel)) this.#quietBytes -= quietBytesOf(channel);
  }
}

function newEpoch(): string {
  return randomBytes(6).toString('base64url');
}

function bytesOf({ text }: Kept): number {
  return MESSAGE_BYTES + stringBytes(text);
}

function channelBytesOf(channel: string): number {
  return CHANNEL_BYTES + stringBytes(channel);
}

function quietBytesOf(channel: string): number {
  return QUIET_BYTES + stringBytes(channel);
}

function stringBytes(text: string): number {
  return WIDE.test(text) ? text.length * 2 : text.length;
}

/** The messages of a channel, and up to where none of them is wanted. */
interface Source extends Pick<ChannelRecord, 'messages'> {
  readonly begin: number;
}

/** Of the messages of some channels the first that came after a place. */
function firstAfter(sources: readonly Source[], place: number): Kept | undefined {
  let first: Kept | undefined;
  for (const { messages, begin } of sources) {
    const next = messages.at(countUpTo(messages, Math.max(place, begin)));
    if (next !== undefined && (first === undefined || next.sequence < first.sequence)) first = next;
  }
  return first;
}

/** How many of these messages came up to a place. */
function countUpTo(messages: Queue<Kept>, place: number): number {
  let low = 0;
  let high = messages.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((messages.at(middle)?.sequence ?? Infinity) <= place) low = middle + 1;
    else high = middle;
  }
  return low;
}
