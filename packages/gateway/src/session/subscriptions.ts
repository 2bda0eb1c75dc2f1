import type { SubscribeCommand, UnsubscribeCommand } from '@postern/client/protocol';
import { failures } from '@postern/client/protocol';
import { isNameable } from '../auth/channel-rules.ts';
import type { Hub } from '../hub/hub.ts';
import { badCommand, errorReply, NOT_NAMEABLE, send } from './reply.ts';
import type { Session } from './session.ts';
import type { V1Grant } from './v1.ts';

/** What subscriptions take. */
export interface SubscriptionParts {
  /** Where messages of `postern.v1` come from. */
  readonly hub: Hub;
  /** Most channels that a session may be subscribed to; 0: no limit. */
  readonly subscriptionsPerSession: number;
}

/** What one session is subscribed to. Nothing else is delivered to it. */
export class Subscriptions {
  readonly #session: Session<V1Grant>;
  readonly #parts: SubscriptionParts;
  /** What ends each, by channel. */
  readonly #endings = new Map<string, () => void>();

  constructor(session: Session<V1Grant>, parts: SubscriptionParts) {
    this.#session = session;
    this.#parts = parts;
  }

  /** Subscribes, and says so; messages come from then on. Again is harmless. */
  subscribe({ id, channel, from }: SubscribeCommand): void {
    const session = this.#session;
    if (!isNameable(channel)) return send(session, badCommand(id, NOT_NAMEABLE));
    if (!session.grant.modeOf(channel).read)
      return send(session, errorReply(id, failures.forbidden, { code: 'scope_denied' }));
    if (!this.#endings.has(channel)) {
      if (this.#isFull())
        return send(
          session,
          errorReply(id, failures.connectionLimit, { code: 'subscription_limit' }),
        );
      this.#endings.set(channel, this.#parts.hub.subscribe(channel, session));
    }
    if (from === undefined) return send(session, { type: 'ok', id });
    // No message is kept yet: whatever came after that is not known here any more.
    send(session, { type: 'ok', id, recovered: false });
    send(session, { type: 'gap', channel, reason: 'unknown_cursor' });
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
    for (const channel of this.#endings.keys()) {
      if (grant.modeOf(channel).read) continue;
      this.#end(channel);
      send(this.#session, { type: 'unsubscribed', channel, code: 'scope_denied', reason });
    }
  }

  /** Ends all, and says nothing. */
  clear(): void {
    for (const end of this.#endings.values()) end();
    this.#endings.clear();
  }

  #isFull(): boolean {
    const { subscriptionsPerSession: most } = this.#parts;
    return most > 0 && this.#endings.size >= most;
  }

  #end(channel: string): void {
    this.#endings.get(channel)?.();
    this.#endings.delete(channel);
  }
}
