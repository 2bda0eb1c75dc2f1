import { encodeMessage, failures, parseCommand } from '@postern/client/protocol';
import type {
  ChannelMode,
  Command,
  ErrorReply,
  Failure,
  FailureCode,
  GatewayMessage,
  Reply,
  WelcomeMessage,
} from '@postern/client/protocol';
import { own } from '../auth/decode.ts';
import type { Mode } from '../auth/mode.ts';
import type { Meters } from '../observe/meters.ts';
import type { Clock } from './deadline.ts';
import { textFrame } from './frame.ts';
import { HEARTBEAT_SECONDS } from './heartbeat.ts';
import type { Protocol } from './protocol.ts';
import type { MessageKind, Session } from './session.ts';

/** What a visitor of `postern.v1` may do with whatever channel it names. */
export interface V1Grant {
  /** What it is shown of that: names and patterns, with the mode of each. */
  readonly entries: Readonly<Record<string, ChannelMode>>;
  modeOf(channel: string): Mode;
}

/** What the protocol needs. */
export interface V1Options {
  readonly clock: Clock;
  /** Longest message a client may send, in bytes; 0: no limit. */
  readonly maxMessageBytes: number;
  readonly meters: Meters;
}

/** Builds `postern.v1`: a client is welcomed, says commands and gets a reply to each. */
export function createV1Protocol({ clock, maxMessageBytes, meters }: V1Options): Protocol<V1Grant> {
  const received = meters.counter('messagesReceived');
  const receivedBytes = meters.counter('messageBytesReceived');
  const count = (data: Buffer): void => {
    received.add();
    receivedBytes.add(data.length);
  };

  return {
    channels: ({ entries }) => Object.keys(entries),
    // It asks for each that it wants to read.
    readable: () => [],
    receive: (session, data, kind) => {
      count(data);
      const parsed = read(session, data, kind);
      if (parsed === undefined) return;
      const isBad = 'problem' in parsed;
      send(session, isBad ? badCommand(parsed.id, parsed.problem) : replyTo(parsed.command));
    },
    excess: (session, data, kind) => {
      count(data);
      const parsed = read(session, data, kind);
      if (parsed === undefined) return;
      const { id } = 'command' in parsed ? parsed.command : parsed;
      send(session, errorReply(id, failures.rateLimited));
    },
    opened: (session) =>
      send(session, { ...welcome(session, clock), maxPayloadBytes: maxMessageBytes }),
    closed: () => undefined,
  };
}

/** Sends one message to one session. */
export function send(session: Session, message: GatewayMessage): void {
  session.deliver(textFrame(encodeMessage(message)));
}

/** What a message says that can be answered. Whoever sends any other is ended, and it is undefined. */
function read(session: Session, data: Buffer, kind: MessageKind) {
  if (kind === 'binary') {
    session.end(failures.binaryUnsupported);
    return undefined;
  }
  const parsed = parseCommand(data.toString());
  if (parsed === undefined) session.end(failures.badMessage);
  return parsed;
}

/** Carries a command out. */
function replyTo(command: Command): Reply {
  const { type, id } = command;
  switch (type) {
    case 'auth':
      return badCommand(id, 'An auth counts as the first message only');
    case 'ping':
      return { type: 'pong', id };
  }
}

function badCommand(id: number, problem: string): ErrorReply {
  return errorReply(id, failures.badMessage, problem);
}

/** The reply to a command that is not carried out, by a row of the failure table. */
function errorReply(
  id: number,
  { code, reason, retry }: Failure & { readonly code: FailureCode },
  message: string = reason,
): ErrorReply {
  return { type: 'error', id, code, message, retry };
}

/** All that a session is told about itself. */
function welcome(
  { id, claims, grant, expiresAt }: Session<V1Grant>,
  clock: Clock,
): Omit<WelcomeMessage, 'maxPayloadBytes'> {
  const user = own(claims, 'sub');
  return {
    type: 'welcome',
    session: id,
    ...(typeof user === 'string' ? { user } : {}),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    serverTime: clock.wallMs() / 1000,
    channels: grant.entries,
    pingSeconds: HEARTBEAT_SECONDS,
  };
}
