import type { StreamPlace, Wishes } from './event-stream-place.ts';
import type { ChannelRefusal } from './event-stream-sieve.ts';
import type { ErrorReply, GatewayMessage, SubscribeCommand } from './protocol/messages.ts';

/** What a client is told. That a stream only reads is no failure that a gateway knows. */
export type StreamReply =
  GatewayMessage | (Omit<ErrorReply, 'code'> & { readonly code: 'read_only' });

/** What a client is subscribed to, and what it has asked for and was not answered. */
export class StreamSubscriptions {
  readonly #say: (message: StreamReply) => void;
  readonly #subscribed = new Set<string>();
  #waiting: readonly SubscribeCommand[] = [];

  constructor(say: (message: StreamReply) => void) {
    this.#say = say;
  }

  get isEmpty(): boolean {
    return this.#subscribed.size + this.#waiting.length === 0;
  }

  /** Whether it is told the messages of a channel. */
  has(channel: string): boolean {
    return this.#subscribed.has(channel);
  }

  add(command: SubscribeCommand): void {
    this.#waiting = [...this.#waiting, command];
  }

  /** What still waits for an answer gets one, too. */
  remove(channel: string): void {
    this.#subscribed.delete(channel);
    for (const { id } of this.#take(channel)) this.#say({ type: 'ok', id });
  }

  /** Every channel, and the cursor from which it is to go on. */
  wishes(cursors: ReadonlyMap<string, string>): Wishes {
    return new Map([
      ...[...this.#subscribed].map((channel) => [channel, cursors.get(channel)] as const),
      ...this.#waiting.map(({ channel, from }) => [channel, from] as const),
    ]);
  }

  /** Whether a stream is of all these channels. */
  isWithin({ cursors }: StreamPlace): boolean {
    return this.#waiting.every(({ channel }) => cursors.has(channel));
  }

  /**
   * Answers whatever can be answered. What goes on from just where its channel stands does so at once. Everything else
   * begins with what is new, so it waits until all that others missed was told.
   */
  settle(place: StreamPlace): void {
    if (!place.hasBegun) return;
    for (const { id, channel, from } of this.#waiting) {
      const cursor = place.cursors.get(channel);
      if (cursor === undefined || (cursor !== from && !place.isLive)) continue;
      // A client that was answered may have changed its mind about another one.
      if (this.#take(channel, id).length === 0) continue;
      this.#subscribed.add(channel);
      const recovered = cursor === from;
      this.#say({ type: 'ok', id, ...(from === undefined ? {} : { recovered }), cursor });
      if (from === undefined || recovered) continue;
      const reason = place.holes.get(channel) ?? 'unknown_cursor';
      this.#say({ type: 'gap', channel, reason, cursor });
    }
  }

  /** A channel may not be read, or is one too many. */
  turnAway(channel: string, { code, reason }: ChannelRefusal): void {
    for (const { id } of this.#take(channel))
      this.#say({ type: 'error', id, code, message: reason, retry: 'no' });
    if (this.#subscribed.delete(channel))
      this.#say({ type: 'unsubscribed', channel, code, reason });
  }

  /** Takes out what waits for an answer about a channel: all of it, or one command. */
  #take(channel: string, id?: number): readonly SubscribeCommand[] {
    const isMeant = (one: SubscribeCommand): boolean =>
      one.channel === channel && (id === undefined || one.id === id);
    const taken = this.#waiting.filter(isMeant);
    this.#waiting = this.#waiting.filter((one) => !isMeant(one));
    return taken;
  }
}
