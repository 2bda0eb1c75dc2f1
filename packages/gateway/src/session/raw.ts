import { isUtf8 } from 'node:buffer';
import { failures } from '@postern/client/protocol';
import type { Grant } from '../auth/grant.ts';
import type { Log } from '../observe/log.ts';
import type { Meters } from '../observe/meters.ts';
import type { Envelopes } from '../postgres/envelope.ts';
import { fitsNotification } from '../postgres/envelope.ts';
import type { Outcome } from '../postgres/notifier.ts';
import type { RawVisitor } from './admission.ts';
import type { Protocol } from './protocol.ts';
import type { Closing, Session } from './session.ts';

/** What takes a message to PostgreSQL, a text per channel, and says once what became of it. */
export interface Publisher {
  send(texts: readonly string[], settle: (outcome: Outcome) => void): void;
  /** Whether so much waits that nobody may have more than a share of the room. */
  readonly crowded: boolean;
}

/** What the raw protocol needs. */
export interface RawOptions {
  readonly publisher: Publisher;
  readonly envelopes: Envelopes;
  readonly log: Log;
  readonly meters: Meters;
}

/** What a sender is told when its message was not, or perhaps not, committed. */
const told: Readonly<Record<Exclude<Outcome, 'committed'>, Closing>> = {
  unknown: failures.backendUnavailable,
  overflow: failures.backendUnavailable,
  rejected: failures.internal,
};

/** What one session may have waiting in a crowd: while PostgreSQL is away, one must not take it all. */
const SHARE_BYTES = 1_048_576;

/**
 * Builds the protocol of postgres-websockets: every text is a message for every channel that its sender
 * may write.
 */
export function createRawProtocol(options: RawOptions): Protocol<RawVisitor> {
  const { publisher, envelopes, log, meters } = options;
  const counts = countsOf(meters);

  const receive = (session: Session<Grant>, data: Buffer): void => {
    const { writable } = session.grant;
    counts.received.add();
    counts.receivedBytes.add(data.length);
    if (writable.length === 0) {
      session.ignored += 1;
      counts.ignored.add();
      return;
    }
    if (!isUtf8(data)) {
      session.end(failures.invalidText);
      return;
    }
    const payload = data.toString();
    const texts = writable.map((channel) => envelopes.message(channel, session.claims, payload));
    // All or none: it is one message, however many channels it is for.
    if (!texts.every(fitsNotification)) {
      log('message_too_big', { session: session.id });
      session.end(failures.messageTooBig);
      return;
    }
    publish(session, texts);
  };

  const publish = (session: Session, texts: readonly string[]): void => {
    const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    const settle = (outcome: Outcome): void => {
      session.unsettledBytes -= bytes;
      counts[outcome].add();
      if (outcome === 'committed') return;
      log('message_not_sent', { session: session.id, outcome });
      session.end(told[outcome]);
    };
    session.unsettledBytes += bytes;
    if (publisher.crowded && session.unsettledBytes > SHARE_BYTES) settle('overflow');
    else publisher.send(texts, settle);
  };

  return {
    channels: ({ channels }) => channels,
    readable: ({ readable }) => readable,
    answersExcess: false,
    converse: ({ session }) => ({
      opened: () => undefined,
      receive: (data) => receive(session, data),
      closed: () => undefined,
    }),
  };
}

/** The counts of messages, at hand: they stand on the way of each. */
function countsOf(meters: Meters) {
  return {
    received: meters.counter('messagesReceived'),
    receivedBytes: meters.counter('messageBytesReceived'),
    ignored: meters.counter('messagesIgnored'),
    committed: meters.counter('messagesPublished', { outcome: 'committed' }),
    unknown: meters.counter('messagesPublished', { outcome: 'unknown' }),
    rejected: meters.counter('messagesPublished', { outcome: 'rejected' }),
    overflow: meters.counter('messagesPublished', { outcome: 'overflow' }),
  };
}
