import { failures, parseCommand } from '@postern/client/protocol';
import type { ChannelMode, Command, WelcomeMessage } from '@postern/client/protocol';
import { own } from '../auth/decode.ts';
import type { Mode } from '../auth/mode.ts';
import type { V1Visitor } from './admission.ts';
import type { ExpiringParts } from './expiring.ts';
import type { Warned } from './expiring.ts';
import { Expiring } from './expiring.ts';
import { HEARTBEAT_SECONDS } from './heartbeat.ts';
import type { Conversation, Protocol, Talk } from './protocol.ts';
import type { PublicationParts } from './publications.ts';
import { Publications } from './publications.ts';
import type { RefreshParts, Renewed } from './refresh.ts';
import { Refreshing } from './refresh.ts';
import { badCommand, errorReply, send } from './reply.ts';
import type { MessageKind, Pace, Session } from './session.ts';
import type { SubscriptionsParts } from './subscriptions.ts';
import { Subscriptions } from './subscriptions.ts';

/** What a visitor of `postern.v1` may do with whatever channel it names. */
export interface V1Grant {
  /** What it is shown of that: names and patterns, with the mode of each. */
  readonly entries: Readonly<Record<string, ChannelMode>>;
  modeOf(channel: string): Mode;
}

/** What the protocol needs. */
export interface V1Options
  extends ExpiringParts, RefreshParts, SubscriptionsParts, PublicationParts {
  /** Longest message a client may send, in bytes; 0: no limit. */
  readonly maxMessageBytes: number;
}

/** Builds `postern.v1`: a client is welcomed, says commands and gets a reply to each. */
export function createV1Protocol(options: V1Options): Protocol<V1Visitor> {
  const { meters } = options;
  const received = meters.counter('messagesReceived');
  const receivedBytes = meters.counter('messageBytesReceived');
  const count = (bytes: number): void => {
    received.add();
    receivedBytes.add(bytes);
  };

  return {
    channels: ({ entries }) => Object.keys(entries),
    // It subscribes to what it wants to read.
    readable: () => [],
    beatSeconds: HEARTBEAT_SECONDS,
    answersExcess: true,
    converse: (talk) => new V1Conversation(talk, options, count),
  };
}

class V1Conversation implements Conversation, Warned, Renewed {
  readonly #session: Session<V1Grant>;
  readonly #options: V1Options;
  readonly #count: (bytes: number) => void;
  readonly #expiring: Expiring;
  readonly #refreshing: Refreshing;
  readonly #subscriptions: Subscriptions;
  readonly #publications: Publications;

  constructor(talk: Talk<V1Visitor>, options: V1Options, count: (bytes: number) => void) {
    const { session } = talk;
    this.#session = session;
    this.#options = options;
    this.#count = count;
    this.#expiring = new Expiring(session, options, this);
    this.#subscriptions = new Subscriptions(session, options);
    this.#publications = new Publications(session, options);
    this.#refreshing = new Refreshing(talk, options, this);
  }

  opened(): void {
    send(this.#session, welcome(this.#session, this.#options));
    this.#expiring.arm();
  }

  warn(seconds: number): void {
    send(this.#session, { type: 'expiring', seconds });
  }

  renewed(): void {
    this.#subscriptions.regrant();
    this.#expiring.arm();
  }

  receive(data: Buffer, kind: MessageKind, pace: Pace): void {
    this.#count(data.length);
    const parsed = this.#read(data, kind);
    if (parsed === undefined) return;
    const { id } = 'command' in parsed ? parsed.command : parsed;
    if (pace === 'over') send(this.#session, errorReply(id, failures.rateLimited));
    else if ('problem' in parsed) send(this.#session, badCommand(id, parsed.problem));
    else this.#carryOut(parsed.command);
  }

  drained(): void {
    this.#subscriptions.goOn();
  }

  closed(): void {
    this.#expiring.disarm();
    this.#subscriptions.clear();
  }

  /** What a message says that can be answered. Whoever sends any other is ended, and it is undefined. */
  #read(data: Buffer, kind: MessageKind) {
    if (kind === 'binary') {
      this.#session.end(failures.binaryUnsupported);
      return undefined;
    }
    const parsed = parseCommand(data.toString());
    if (parsed === undefined) this.#session.end(failures.badMessage);
    return parsed;
  }

  #carryOut(command: Command): void {
    switch (command.type) {
      case 'auth':
        void this.#refreshing.take(command);
        return;
      case 'ping':
        return send(this.#session, { type: 'pong', id: command.id });
      case 'subscribe':
        return this.#subscriptions.subscribe(command);
      case 'unsubscribe':
        return this.#subscriptions.unsubscribe(command);
      case 'publish':
        return this.#publications.publish(command);
    }
  }
}

/** All that a session is told about itself. */
function welcome(
  { id, claims, grant, expiresAt }: Session<V1Grant>,
  { clock, maxMessageBytes }: V1Options,
): WelcomeMessage {
  const user = own(claims, 'sub');
  return {
    type: 'welcome',
    session: id,
    ...(typeof user === 'string' ? { user } : {}),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    serverTime: clock.wallMs() / 1000,
    channels: grant.entries,
    pingSeconds: HEARTBEAT_SECONDS,
    maxPayloadBytes: maxMessageBytes,
  };
}
