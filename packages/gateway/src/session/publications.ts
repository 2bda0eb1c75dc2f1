import type { FailureCode, PublishCommand, Retry } from '@postern/client/protocol';
import { failures } from '@postern/client/protocol';
import { isNameable } from '../auth/channel-rules.ts';
import { own } from '../auth/decode.ts';
import type { Claims } from '../auth/verify.ts';
import type { Envelopes } from '../postgres/envelope.ts';
import { fitsNotification } from '../postgres/envelope.ts';
import type { Outcome } from '../postgres/notifier.ts';
import type { Publish } from './publishing.ts';
import { badCommand, errorReply, NOT_NAMEABLE, send } from './reply.ts';
import type { Closing, Session } from './session.ts';
import type { V1Grant } from './v1.ts';

/** What publications take. */
export interface PublicationParts {
  readonly publish: Publish;
  readonly envelopes: Envelopes;
}

/** What a client is told of a message that was not, or perhaps not, committed. */
const told: Readonly<
  Record<
    Exclude<Outcome, 'committed'>,
    { readonly failure: Closing; readonly code?: FailureCode; readonly retry?: Retry }
  >
> = {
  // A second try could double it.
  unknown: { failure: failures.backendUnavailable, code: 'outcome_unknown', retry: 'no' },
  overflow: { failure: failures.backendUnavailable },
  rejected: { failure: failures.internal },
};

/** What one session publishes. */
export class Publications {
  readonly #session: Session<V1Grant>;
  readonly #parts: PublicationParts;
  /** One object for all its messages: their text is made once. Who else it is, is nobody's business. */
  readonly #claims: Claims;

  constructor(session: Session<V1Grant>, parts: PublicationParts) {
    const sub = own(session.claims, 'sub');
    this.#session = session;
    this.#parts = parts;
    this.#claims = typeof sub === 'string' ? { sub } : {};
  }

  /** Publishes, and says so when PostgreSQL has committed it, or why it has not. */
  publish({ id, channel, payload }: PublishCommand): void {
    const session = this.#session;
    if (!isNameable(channel)) return send(session, badCommand(id, NOT_NAMEABLE));
    if (!session.grant.modeOf(channel).write)
      return send(session, errorReply(id, failures.forbidden, { code: 'scope_denied' }));
    const text = this.#textOf(channel, payload);
    if (text === undefined) return send(session, badCommand(id, 'The payload nests too deep'));
    if (!fitsNotification(text)) return send(session, errorReply(id, failures.messageTooBig));

    this.#parts.publish(session, [text], (outcome) => {
      if (outcome === 'committed') return send(session, { type: 'ok', id });
      const { failure, ...wording } = told[outcome];
      send(session, errorReply(id, failure, wording));
    });
  }

  #textOf(channel: string, payload: unknown): string | undefined {
    try {
      return this.#parts.envelopes.publication(channel, this.#claims, payload);
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }
}
