import type { SubscribeCommand, UnsubscribeCommand } from '@postern/client/protocol';
import { failures } from '@postern/client/protocol';
import { isNameable } from '../auth/channel-rules.ts';
import type { Meters } from '../observe/meters.ts';
import { badCommand, errorReply, NOT_NAMEABLE, send } from './reply.ts';
import type { Session } from './session.ts';
import type { SubscriptionParts } from './subscription.ts';
import { Subscription } from './subscription.ts';
import type { V1Grant } from './v1.ts';

/** What subscriptions take. */
export interface SubscriptionsParts extends SubscriptionParts {
  /** Most channels that a session may be subscribed to; 0: no limit. */
  readonly subscriptionsPerSession: number;
  readonly meters: Meters;
}

type Resumption = Pick<SubscribeCommand, 'id' | 'channel'> & { readonly from: string };

/** What one session is subscribed to. Nothing else is delivered to it. */
export class Subscriptions {
  readonly #session: Session<V1Grant>;
  readonly #parts: SubscriptionsParts;
  readonly #byChannel = new Map<string, Subscription>();

  constructor(session: Session<V1Grant>, parts: SubscriptionsParts) {
    this.#session = session;
    this.#parts = parts;
  }

  /**
   * Subscribes, and says so; messages come from then on, or from a cursor on. Again is harmless, and with a
   * cursor begins anew there.
   */
  subscribe({ id, channel, from }: SubscribeCommand): void {
    const session = this.#session;
    if (!isNameable(channel)) return send(session, badCommand(id, NOT_NAMEABLE));
    if (!session.grant.modeOf(channel).read)
      return send(session, errorReply(id, failures.forbidden, { code: 'scope_denied' }));
    if (!this.#byChannel.has(channel) && this.#isFull())
      return send(
        session,
        errorReply(id, failures.connectionLimit, { code: 'subscription_limit' }),
      );
    const subscription =
      this.#byChannel.get(channel) ?? new Subscription(session, channel, this.#parts);
    this.#byChannel.set(channel, subscription);
    if (from === undefined) {
      subscription.begin();
      send(session, { type: 'ok', id, cursor: subscription.cursor });
    } else this.#resume(subscription, { id, channel, from });
  }

  /** What is missing is told before the first message is. */
  #resume(subscription: Subscription, { id, channel, from }: Resumption): void {
    const session = this.#session;
    const { history } = this.#parts;
    const { cursor } = history;
    const hole = history.holeAfter(channel, from);
    if (hole === undefined) {
      send(session, { type: 'ok', id, recovered: true, cursor: from });
      subscription.resume(from);
    } else {
      send(session, { type: 'ok', id, recovered: false, cursor });
      send(session, { type: 'gap', channel, reason: hole, cursor });
      subscription.goLive();
    }
    this.#parts.meters.counter('subscriptionsResumed', { outcome: hole ?? 'recovered' }).add();
  }

  /** Ends a subscription, and says so. Harmless when there is none. */
  unsubscribe({ id, channel }: UnsubscribeCommand): void {
    this.#end(channel);
    send(this.#session, { type: 'ok', id });
  }

  /** The session has another grant: what that does not hold any more ends, and its client is told. */
  regrant(): void {
    const { grant } = this.#session;
    const { reason } = failures.forbidden;
    for (const channel of this.#byChannel.keys()) {
      if (grant.modeOf(channel).read) continue;
      this.#end(channel);
      send(this.#session, { type: 'unsubscribed', channel, code: 'scope_denied', reason });
    }
  }

  /** The client takes frames again. */
  goOn(): void {
    for (const subscription of this.#byChannel.values()) subscription.goOn();
  }

  /** Ends all, and says nothing. */
  clear(): void {
    for (const subscription of this.#byChannel.values()) subscription.stop();
    this.#byChannel.clear();
  }

  #isFull(): boolean {
    const { subscriptionsPerSession: most } = this.#parts;
    return most > 0 && this.#byChannel.size >= most;
  }

  #end(channel: string): void {
    this.#byChannel.get(channel)?.stop();
    this.#byChannel.delete(channel);
  }
}
