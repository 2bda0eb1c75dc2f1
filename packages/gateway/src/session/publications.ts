import type { PublishCommand } from '@postern/client/protocol';
import { failures } from '@postern/client/protocol';
import { isNameable } from '../auth/channel-rules.ts';
import { own } from '../auth/decode.ts';
import type { Claims } from '../auth/verify.ts';
import type { Envelopes } from '../postgres/envelope.ts';
import type { Outcome } from '../postgres/outgoing.ts';
import { publicationKey } from '../postgres/publication-key.ts';
import type { Publish } from './publishing.ts';
import type { Wording } from './reply.ts';
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
    Exclude<Outcome, 'committed' | 'duplicate'>,
    { readonly failure: Closing } & Pick<Wording, 'code' | 'message' | 'retry'>
  >
> = {
  // A second try could double it, unless a key keeps it from that.
  unknown: { failure: failures.backendUnavailable, code: 'outcome_unknown', retry: 'no' },
  no_keys: {
    failure: failures.backendUnavailable,
    code: 'keys_unavailable',
    message: 'No key can be remembered here: publish without one',
    retry: 'no',
  },
  overflow: { failure: failures.backendUnavailable },
  rejected: { failure: failures.internal },
  too_big: { failure: failures.messageTooBig },
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
  publish({ id, channel, payload, key }: PublishCommand): void {
    const session = this.#session;
    if (!isNameable(channel)) return send(session, badCommand(id, NOT_NAMEABLE));
    if (!session.grant.modeOf(channel).write)
      return send(session, errorReply(id, failures.forbidden, { code: 'scope_denied' }));
    const text = this.#textOf(channel, payload);
    if (text === undefined) return send(session, badCommand(id, 'The payload nests too deep'));

    const message = { texts: [text], key: key === undefined ? key : this.#keyOf(channel, key) };
    this.#parts.publish(session, message, (outcome) => {
      if (outcome === 'committed') return send(session, { type: 'ok', id });
      if (outcome === 'duplicate') return send(session, { type: 'ok', id, duplicate: true });
      const { failure, ...wording } = told[outcome];
      const safely = outcome === 'unknown' && key !== undefined ? { retry: 'yes' as const } : {};
      send(session, errorReply(id, failure, { ...wording, ...safely }));
    });
  }

  /** Nobody else's keys are the same, and none of another channel. */
  #keyOf(channel: string, key: string): string {
    const { claims } = this.#session;
    const issuer = own(claims, 'iss');
    return publicationKey({ issuer, subject: own(claims, 'sub'), channel, key });
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
