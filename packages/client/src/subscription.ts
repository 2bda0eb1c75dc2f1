import type { PosternError } from './errors.ts';
import { attempt } from './listeners.ts';
import type { Report } from './listeners.ts';
import type { ChannelMessage, GapMessage, OkReply } from './protocol/messages.ts';

/** A message of a channel. */
export interface Message<Payload = unknown> extends ChannelMessage {
  readonly payload: Payload;
}

/** Messages of a channel may be missing: load its state anew. After `cursor` nothing is. */
export interface Gap extends Omit<GapMessage, 'reason'> {
  /** As the gateway says it, or `overflow`: an iteration was too slow, and what it had not come to is left out. */
  readonly reason: GapMessage['reason'] | 'overflow';
}

/** A channel's messages come from here on. */
export interface Subscribed {
  /** Up to where the subscriber has been told; the messages after it come. */
  readonly cursor: string | undefined;
  /** After a break: whether all that was missed follows. If not, a gap does. Undefined at the first time. */
  readonly recovered: boolean | undefined;
}

/** What a subscriber may want to be told. Whatever these throw is reported, and breaks nothing. */
export interface SubscribeOptions {
  /** Messages may be missing. Default: the client's own `onGap`, and without that a warning on the console. */
  readonly onGap?: ((gap: Gap) => void) | undefined;
  /** Messages come from here on, at the first time and after each break. The state is best loaded after the first. */
  readonly onSubscribed?: ((subscribed: Subscribed) => void) | undefined;
  /** The channel is not granted, or not any more: it is over. Default: the client's own `onError`. */
  readonly onError?: ((error: PosternError) => void) | undefined;
  /**
   * A cursor that was kept: what came after it comes, too. Where others in the client follow the channel already, and are
   * elsewhere, there is a gap instead.
   */
  readonly from?: string | undefined;
}

/** One that is subscribed, in this client. */
export interface Subscriber extends SubscribeOptions {
  readonly onMessage: (message: Message) => void;
  /** Nothing more comes, as the client is closed or for another error, which `onError` was told. */
  readonly onEnd?: (error: PosternError) => void;
}

/** Where what a subscriber has no function for goes. */
export interface Fallbacks {
  readonly onGap: (gap: Gap) => void;
  readonly onError: Report;
}

/** One channel, for all in this client who follow it: one subscription at the gateway, and one cursor. */
export class Subscription {
  readonly channel: string;
  readonly #fallbacks: Fallbacks;
  #subscribers: readonly Subscriber[] = [];
  /** Those who were elsewhere as they came. What lies between is told to nobody any more. */
  #behind: readonly Subscriber[] = [];
  #cursor: string | undefined;
  /** `asking`: what still comes is of an older subscription. */
  #phase: 'off' | 'asking' | 'on' = 'off';

  constructor(channel: string, fallbacks: Fallbacks) {
    this.channel = channel;
    this.#fallbacks = fallbacks;
  }

  get phase(): 'off' | 'asking' | 'on' {
    return this.#phase;
  }

  /** What the subscriber has been told up to; undefined before the first reply. */
  get cursor(): string | undefined {
    return this.#cursor;
  }

  get isWanted(): boolean {
    return this.#subscribers.length > 0;
  }

  add(subscriber: Subscriber): void {
    if (this.#phase === 'off') this.#cursor ??= subscriber.from;
    if ((subscriber.from ?? this.#cursor) !== this.#cursor)
      this.#behind = this.#behind.concat(subscriber);
    this.#subscribers = this.#subscribers.concat(subscriber);
    // For the others it began before.
    if (this.#phase === 'on')
      setTimeout(() => {
        if (this.#phase !== 'on') return;
        this.#tellSubscribed(subscriber, undefined);
        this.#tellBehind();
      }, 0);
  }

  remove(subscriber: Subscriber): void {
    this.#subscribers = this.#subscribers.filter((other) => other !== subscriber);
  }

  /** The gateway is being asked. */
  ask(): void {
    this.#phase = 'asking';
  }

  /** The connection is gone, and the subscription with it; what is wanted is not. */
  lose(): void {
    this.#phase = 'off';
  }

  /** The gateway has said yes. */
  begin({ cursor, recovered }: OkReply): void {
    this.#phase = 'on';
    // What is missing is told by the gap that follows. Until then it is as if nothing had been said: should the
    // connection break first, the old cursor brings another gap.
    if (recovered !== false) this.#cursor = cursor;
    this.#subscribers.forEach((one) => this.#tellSubscribed(one, recovered));
    if (recovered !== false) this.#tellBehind();
  }

  deliver(message: ChannelMessage): void {
    if (this.#phase !== 'on') return;
    this.#tellBehind();
    // Before they are told: whoever leaves by it takes the cursor along.
    this.#cursor = message.cursor;
    this.#subscribers.forEach((one) => this.#call(() => one.onMessage(message)));
  }

  miss(gap: Gap): void {
    if (this.#phase !== 'on') return;
    this.#cursor = gap.cursor;
    this.#behind = [];
    this.#subscribers.forEach((one) => this.#tellGap(one, gap));
  }

  /** For good: nobody is subscribed after this. */
  end(error: PosternError): void {
    const all = this.#subscribers;
    this.#subscribers = [];
    this.#phase = 'off';
    this.#cursor = undefined;
    // That it closes the client itself a program need not be told.
    if (error.code !== 'closed')
      all.forEach((one) => this.#call(() => (one.onError ?? this.#fallbacks.onError)(error)));
    all.forEach((one) => one.onEnd?.(error));
  }

  #tellSubscribed(subscriber: Subscriber, recovered: boolean | undefined): void {
    // It may have left meanwhile.
    if (this.#subscribers.indexOf(subscriber) >= 0)
      this.#call(() => subscriber.onSubscribed?.({ cursor: this.#cursor, recovered }));
  }

  #tellBehind(): void {
    const { channel } = this;
    const cursor = this.#cursor ?? '';
    const gap: Gap = { type: 'gap', channel, reason: 'unknown_cursor', cursor };
    const behind = this.#subscribers.filter((one) => this.#behind.indexOf(one) >= 0);
    this.#behind = [];
    behind.forEach((one) => this.#tellGap(one, gap));
  }

  #tellGap({ onGap }: Subscriber, gap: Gap): void {
    this.#call(() => (onGap ?? this.#fallbacks.onGap)(gap));
  }

  #call(call: () => void): void {
    attempt(call, this.#fallbacks.onError);
  }
}
