import type { History, Slice } from '../hub/history.ts';
import type { Hub } from '../hub/hub.ts';
import { messageFrame, textFrame } from './frame.ts';
import type { Session } from './session.ts';
import type { Turns } from './turns.ts';

/** What a subscription takes. */
export interface SubscriptionParts {
  /** Where messages of `postern.v1` come from. */
  readonly hub: Hub;
  /** What came before. */
  readonly history: History;
  readonly turns: Turns;
}

/**
 * So much of what a client missed goes out at once. Not less than what makes its outbox wait for the client
 * to read: each piece but the last is followed by its `drained`.
 */
export const PIECE_CHARACTERS = 16_384;

/**
 * One channel of one session. Live, it is told of each message by the hub. Behind, it is not in the hub:
 * what comes meanwhile is in the history, and is read from there after what was missed. Between the
 * last piece of that and the first live message nothing can happen, since both are of one turn.
 */
export class Subscription {
  readonly #session: Session;
  readonly #channel: string;
  readonly #parts: SubscriptionParts;
  /** The cursor up to where its client has been told all; undefined: it is live. */
  #position: string | undefined;

  constructor(session: Session, channel: string, parts: SubscriptionParts) {
    this.#session = session;
    this.#channel = channel;
    this.#parts = parts;
  }

  /** Up to here its client has been told all, or is about to be by what was sent to it. */
  get cursor(): string {
    return this.#position ?? this.#parts.history.cursor;
  }

  /** Messages come from here on; one that has begun goes on. */
  begin(): void {
    if (this.#position === undefined) this.goLive();
  }

  /** Messages come as they are published. */
  goLive(): void {
    this.#position = undefined;
    this.#parts.hub.subscribe(this.#channel, this.#session);
  }

  /** Begins with what came after a cursor, which must be known. */
  resume(from: string): void {
    this.stop();
    this.#position = from;
    this.#goOn();
  }

  /** Its client takes frames again. */
  goOn(): void {
    if (this.#position !== undefined) this.#parts.turns.add(() => this.#goOn());
  }

  /** No message comes any more. */
  stop(): void {
    this.#position = undefined;
    this.#parts.hub.unsubscribe(this.#channel, this.#session);
  }

  #goOn(): void {
    const { history } = this.#parts;
    // It may have been stopped meanwhile, or another channel have filled the outbox.
    if (this.#position === undefined || !this.#session.takesFrames) return;
    const hole = history.holeAfter(this.#channel, this.#position);
    if (hole !== undefined) return this.#giveUp(hole === 'too_old' ? hole : 'feed_lost');
    const piece = history.read([{ channel: this.#channel }], this.#position, PIECE_CHARACTERS);
    this.#position = piece.cursor;
    deliver(piece, this.#session);
    if (piece.isLast) this.goLive();
  }

  /** More was published meanwhile than the history holds, or the feed was interrupted. */
  #giveUp(reason: 'too_old' | 'feed_lost'): void {
    const { cursor } = this.#parts.history;
    const gap = { type: 'gap', channel: this.#channel, reason, cursor } as const;
    this.#session.deliver(messageFrame(gap));
    this.goLive();
  }
}

function deliver({ messages }: Slice, session: Session): void {
  if (messages.length > 0)
    session.deliver(Buffer.concat(messages.map(({ text }) => textFrame(text))));
}
