import type { Announcement, Connection } from './connection.ts';
import { errorOfReply } from './errors.ts';
import type { PosternError } from './errors.ts';
import type { Reply } from './protocol/messages.ts';
import { Subscription } from './subscription.ts';
import type { Fallbacks, Subscriber } from './subscription.ts';

/** What was refused for now, as commands came too fast, is asked for again after this, in milliseconds. */
const AGAIN_MS = 1_000;

/** All channels that this client follows, and what the gateway knows of that. */
export class Subscriptions {
  readonly #fallbacks: Fallbacks;
  readonly #connection: () => Connection | undefined;
  /** A channel may be named as something that every other object has. */
  readonly #all: Record<string, Subscription> = Object.create(null);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(connection: () => Connection | undefined, fallbacks: Fallbacks) {
    this.#connection = connection;
    this.#fallbacks = fallbacks;
  }

  /** Adds a subscriber of a channel. The gateway is told in a moment: whoever leaves and comes back at once stays. */
  add(channel: string, subscriber: Subscriber): Subscription {
    const left = this.#all[channel];
    // What has come since the last one left, the new one was told nothing of: it is asked for again.
    if (left?.isWanted === false && (subscriber.from ?? left.cursor) !== left.cursor)
      this.#leave(left);
    const subscription = this.#all[channel] ?? new Subscription(channel, this.#fallbacks);
    this.#all[channel] = subscription;
    subscription.add(subscriber);
    this.#soon(0);
    return subscription;
  }

  remove(subscription: Subscription, subscriber: Subscriber): void {
    subscription.remove(subscriber);
    this.#soon(0);
  }

  /** Tells a new connection of all that is wanted. */
  open(): void {
    this.#settle();
  }

  lose(): void {
    this.#each((subscription) => subscription.lose());
  }

  /** Nobody is subscribed any more. */
  close(error: PosternError): void {
    clearTimeout(this.#timer);
    this.#each((subscription) => this.#drop(subscription, error));
  }

  hear(announcement: Announcement): void {
    const subscription = 'channel' in announcement ? this.#all[announcement.channel] : undefined;
    if (announcement.type === 'message') subscription?.deliver(announcement);
    else if (announcement.type === 'gap') subscription?.miss(announcement);
    else if (announcement.type === 'unsubscribed') {
      const { code, reason } = announcement;
      this.#drop(subscription, errorOfReply({ code, message: reason, retry: 'no' }));
    }
  }

  #soon(ms: number): void {
    if (ms === 0) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#settle(), ms);
  }

  /** Says to the gateway what it does not know yet. */
  #settle(): void {
    clearTimeout(this.#timer);
    const connection = this.#connection();
    this.#each((subscription) => {
      const { phase, isWanted } = subscription;
      if (!isWanted) this.#leave(subscription);
      else if (phase === 'off' && connection !== undefined)
        this.#subscribe(connection, subscription);
    });
  }

  #leave(subscription: Subscription): void {
    const { channel, phase } = subscription;
    // Before its reply, too: what was asked for is taken back in order.
    if (phase !== 'off') this.#connection()?.say({ type: 'unsubscribe', channel }, () => undefined);
    subscription.lose();
    delete this.#all[channel];
  }

  #subscribe(connection: Connection, subscription: Subscription): void {
    const { channel, cursor } = subscription;
    subscription.ask();
    connection.say({ type: 'subscribe', channel, from: cursor }, (reply) => {
      // Left meanwhile, and somebody may follow the channel anew.
      if (this.#all[channel] === subscription) this.#answered(subscription, reply);
    });
  }

  #answered(subscription: Subscription, reply: Reply | undefined): void {
    if (reply === undefined || reply.type === 'pong') return;
    if (reply.type === 'ok') {
      subscription.begin(reply);
      return;
    }
    if (reply.retry === 'yes') {
      subscription.lose();
      this.#soon(AGAIN_MS);
      return;
    }
    this.#drop(subscription, errorOfReply(reply));
  }

  #drop(subscription: Subscription | undefined, error: PosternError): void {
    if (subscription === undefined) return;
    delete this.#all[subscription.channel];
    subscription.end(error);
  }

  #each(call: (subscription: Subscription) => void): void {
    Object.keys(this.#all).forEach((key) => {
      const subscription = this.#all[key];
      if (subscription !== undefined) call(subscription);
    });
  }
}
