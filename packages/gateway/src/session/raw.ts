import { isUtf8 } from 'node:buffer';
import { failures } from '@postern/client/protocol';
import type { Grant } from '../auth/grant.ts';
import type { Meters } from '../observe/meters.ts';
import type { Envelopes } from '../postgres/envelope.ts';
import type { Outcome } from '../postgres/outgoing.ts';
import type { RawVisitor } from './admission.ts';
import { HEARTBEAT_SECONDS } from './heartbeat.ts';
import type { Protocol } from './protocol.ts';
import type { Publish } from './publishing.ts';
import type { Closing, Session } from './session.ts';

/** What the raw protocol needs. */
export interface RawOptions {
  readonly publish: Publish;
  readonly envelopes: Envelopes;
  readonly meters: Meters;
}

/** What a sender is told when its message was not, or perhaps not, committed. It has no words for keys. */
const told: Readonly<Partial<Record<Outcome, Closing>>> = {
  unknown: failures.backendUnavailable,
  overflow: failures.backendUnavailable,
  rejected: failures.internal,
  too_big: failures.messageTooBig,
};

/**
 * Builds the protocol of postgres-websockets: every text is a message for every channel that its sender
 * may write.
 */
export function createRawProtocol(options: RawOptions): Protocol<RawVisitor> {
  const { publish, envelopes, meters } = options;
  // At hand: they stand on the way of each message.
  const counts = {
    received: meters.counter('messagesReceived'),
    receivedBytes: meters.counter('messageBytesReceived'),
    ignored: meters.counter('messagesIgnored'),
  };

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
    publish(session, { texts }, (outcome) => {
      const failure = told[outcome];
      if (failure !== undefined) session.end(failure);
    });
  };

  return {
    channels: ({ channels }) => channels,
    readable: ({ readable }) => readable,
    beatSeconds: HEARTBEAT_SECONDS,
    answersExcess: false,
    converse: ({ session }) => ({
      opened: () => undefined,
      receive: (data) => receive(session, data),
      drained: () => undefined,
      closed: () => undefined,
    }),
  };
}
