import type { Log } from '../observe/log.ts';
import type { Meters } from '../observe/meters.ts';
import type { Given, Outcome } from '../postgres/outgoing.ts';
import type { Session } from './session.ts';

/** What takes a message to PostgreSQL, a text per channel, and says once what became of it. */
export interface Publisher {
  send(message: Given, settle: (outcome: Outcome) => void): void;
  /** Whether so much waits that nobody may have more than a share of the room. */
  readonly crowded: boolean;
}

/** One message of a session's. */
export interface Publishing {
  /** A text per channel. */
  readonly texts: readonly string[];
  /** What keeps a message of one text from being notified twice. */
  readonly key?: string | undefined;
}

/** Publishes one message, and says once what became of it. */
export type Publish = (
  session: Session,
  message: Publishing,
  settle: (outcome: Outcome) => void,
) => void;

/** What publishing takes. */
export interface PublishParts {
  readonly publisher: Publisher;
  readonly log: Log;
  readonly meters: Meters;
}

/** What one session may have waiting in a crowd: while PostgreSQL is away, one must not take it all. */
const SHARE_BYTES = 1_048_576;

/** Builds what publishes the messages of sessions, and counts what becomes of them. */
export function createPublish({ publisher, log, meters }: PublishParts): Publish {
  const counts = {
    committed: meters.counter('messagesPublished', { outcome: 'committed' }),
    duplicate: meters.counter('messagesPublished', { outcome: 'duplicate' }),
    unknown: meters.counter('messagesPublished', { outcome: 'unknown' }),
    rejected: meters.counter('messagesPublished', { outcome: 'rejected' }),
    overflow: meters.counter('messagesPublished', { outcome: 'overflow' }),
    no_keys: meters.counter('messagesPublished', { outcome: 'no_keys' }),
    too_big: meters.counter('messagesPublished', { outcome: 'too_big' }),
  } as const satisfies Record<Outcome, unknown>;

  return (session, { texts, key }, settle) => {
    const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    const settled = (outcome: Outcome): void => {
      session.unsettledBytes -= bytes;
      counts[outcome].add();
      if (outcome === 'too_big') log('message_too_big', { session: session.id });
      else if (outcome !== 'committed' && outcome !== 'duplicate')
        log('message_not_sent', { session: session.id, outcome });
      settle(outcome);
    };
    session.unsettledBytes += bytes;
    if (publisher.crowded && session.unsettledBytes > SHARE_BYTES) settled('overflow');
    else publisher.send({ texts, key, sender: session }, settled);
  };
}
