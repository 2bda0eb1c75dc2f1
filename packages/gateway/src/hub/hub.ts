/** Anything that can be handed an encoded frame. Must not throw and must not block. */
export interface Subscriber {
  deliver(frame: Buffer): void;
}

/** Told of each broadcast to how many it went, and how long the frame was. */
export type OnBroadcast = (subscribers: number, bytes: number) => void;

/** Who listens to which channel. Knows nothing of sockets, tokens or PostgreSQL. */
export class Hub {
  readonly #channels = new Map<string, Set<Subscriber>>();
  readonly #onBroadcast: OnBroadcast;

  constructor(onBroadcast: OnBroadcast = () => {}) {
    this.#onBroadcast = onBroadcast;
  }

  /** Adds a subscriber. Harmless when it is there already. */
  subscribe(channel: string, subscriber: Subscriber): void {
    const subscribers = this.#channels.get(channel) ?? new Set();
    this.#channels.set(channel, subscribers.add(subscriber));
  }

  /** Removes a subscriber. Harmless when it is not there. */
  unsubscribe(channel: string, subscriber: Subscriber): void {
    const subscribers = this.#channels.get(channel);
    if (subscribers?.delete(subscriber) === true && subscribers.size === 0)
      this.#channels.delete(channel);
  }

  /**
   * Hands one frame to every subscriber of a channel. `encode` runs once, and not at all when
   * nobody listens: on this path nothing is allocated per subscriber.
   */
  broadcast(channel: string, encode: () => Buffer): void {
    const subscribers = this.#channels.get(channel);
    if (subscribers === undefined) return;

    const frame = encode();
    this.#onBroadcast(subscribers.size, frame.length);
    for (const subscriber of subscribers) subscriber.deliver(frame);
  }

  /** Hands the subscribers of a channel a frame about it, which is no message of theirs. */
  tell(channel: string, encode: () => Buffer): void {
    const subscribers = this.#channels.get(channel);
    if (subscribers === undefined) return;
    const frame = encode();
    for (const subscriber of subscribers) subscriber.deliver(frame);
  }

  /** Hands the subscribers of each channel such a frame. */
  tellAll(encode: (channel: string) => Buffer): void {
    for (const channel of this.#channels.keys()) this.tell(channel, () => encode(channel));
  }

  /** Those of a channel. A copy: they may leave while it is walked through. */
  subscribersOf(channel: string): ReadonlySet<Subscriber> {
    return new Set(this.#channels.get(channel));
  }

  /** The channels that have a subscriber. */
  get channels(): Iterable<string> {
    return this.#channels.keys();
  }

  /** How many they are. */
  get size(): number {
    return this.#channels.size;
  }
}
