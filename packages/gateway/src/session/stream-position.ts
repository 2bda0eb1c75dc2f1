import type { GapReason } from '@postern/client/protocol';
import type { History, Slice } from '../hub/history.ts';
import type { Hub } from '../hub/hub.ts';
import type { Meters } from '../observe/meters.ts';
import { eventFrame, markFrame, textEvent } from './event-frame.ts';
import type { Session } from './session.ts';
import { PIECE_CHARACTERS } from './subscription.ts';
import type { Turns } from './turns.ts';

/** Who reads it. */
type Reader = Pick<Session, 'deliver' | 'takesFrames'>;

/** What a stream is read from. */
export interface StreamParts {
  /** Where its messages come from. */
  readonly hub: Hub;
  /** What came before. */
  readonly history: History;
  readonly turns: Pick<Turns, 'add'>;
  readonly meters: Meters;
}

/**
 * How far one stream has been told of its channels. One cursor stands for all of them, since a browser keeps
 * one: so what was missed goes out in the order of the feed, across the channels, and all go live at once.
 * Between the last piece of that and the first live message nothing can happen, since both are of one turn.
 */
export class StreamPosition {
  readonly #reader: Reader;
  readonly #channels: readonly string[];
  readonly #parts: StreamParts;
  /** The cursor up to which its client has been told all; undefined: it is live. */
  #behind: string | undefined;
  /** Where channels begin of which what came before is told to be missing. */
  readonly #begins = new Map<string, string>();
  /** The cursor that its client was told last, by no message. */
  #marked: string | undefined;

  constructor(reader: Reader, channels: readonly string[], parts: StreamParts) {
    this.#reader = reader;
    this.#channels = channels;
    this.#parts = parts;
  }

  /** The cursor to begin with, where a client says that it has one; undefined: it is not of this feed. */
  firstAfter(from: string | undefined): string | undefined {
    const { history } = this.#parts;
    if (from === undefined) return history.cursor;
    return this.#channels.some((one) => history.holeAfter(one, from) === 'unknown_cursor')
      ? undefined
      : from;
  }

  /** Begins, with what came after a cursor; without one, with what comes from here on. */
  begin(from: string | undefined): void {
    const { history, meters } = this.#parts;
    if (from === undefined) {
      this.#marked = history.cursor;
      return this.#goLive();
    }
    for (const channel of this.#channels) {
      const hole = history.holeAfter(channel, from);
      if (hole !== undefined) this.#tellGap(channel, hole);
      meters.counter('subscriptionsResumed', { outcome: hole ?? 'recovered' }).add();
    }
    this.#behind = from;
    this.#goOn();
  }

  /** Its client takes more. */
  goOn(): void {
    if (this.#behind !== undefined) this.#parts.turns.add(this.#goOn);
  }

  /**
   * Tells a live client how far it has been told all, so that on quiet channels it does not fall out of the
   * history. Whatever was published up to here was handed to its outbox before, which keeps the order.
   */
  mark(): void {
    const { cursor } = this.#parts.history;
    if (this.#behind !== undefined || this.#marked === cursor) return;
    this.#marked = cursor;
    this.#reader.deliver(markFrame(cursor));
  }

  /** No message comes any more. */
  stop(): void {
    this.#behind = undefined;
    for (const channel of this.#channels) this.#parts.hub.unsubscribe(channel, this.#reader);
  }

  readonly #goOn = (): void => {
    // It may have been stopped meanwhile.
    if (this.#behind === undefined || !this.#reader.takesFrames) return;
    const { history } = this.#parts;
    this.#tellHoles(this.#behind);
    // That may have been all that its outbox takes.
    if (!this.#reader.takesFrames) return;
    const readings = this.#channels.map((channel) => ({
      channel,
      begin: this.#begins.get(channel),
    }));
    const piece = history.read(readings, this.#behind, PIECE_CHARACTERS);
    this.#behind = piece.cursor;
    this.#deliver(piece);
    if (piece.isLast) this.#goLive();
  };

  /** More was published meanwhile than the history holds, or the feed was interrupted. */
  #tellHoles(position: string): void {
    const { history } = this.#parts;
    for (const channel of this.#channels) {
      const hole = history.holeAfter(channel, position);
      const begin = this.#begins.get(channel);
      const isTold = begin !== undefined && history.holeAfter(channel, begin) === undefined;
      if (hole === undefined || isTold) continue;
      this.#tellGap(channel, hole === 'too_old' ? hole : 'feed_lost');
    }
  }

  /** Without an id: until all gaps are told, whoever is cut off must come back with the cursor that it had. */
  #tellGap(channel: string, reason: GapReason): void {
    const { cursor } = this.#parts.history;
    this.#begins.set(channel, cursor);
    this.#reader.deliver(eventFrame({ type: 'gap', channel, reason, cursor }));
  }

  #deliver({ messages }: Slice): void {
    if (messages.length === 0) return;
    this.#reader.deliver(
      Buffer.concat(messages.map(({ text, cursor: id }) => textEvent('message', text, { id }))),
    );
  }

  #goLive(): void {
    const { hub } = this.#parts;
    this.#behind = undefined;
    for (const channel of this.#channels) hub.subscribe(channel, this.#reader);
    this.mark();
  }
}
