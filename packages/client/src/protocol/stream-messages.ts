import type { Retry } from './failure.ts';
import type {
  ChannelMessage,
  ExpiringMessage,
  GapMessage,
  StatusMessage,
  WelcomeMessage,
} from './messages.ts';

/**
 * The messages of a stream of server-sent events: each is the JSON in the `data` of an event, whose name
 * is its `type`. Those that `postern.v1` has as well are the same there.
 */

/** The first: what the stream is. */
export type StreamWelcome = Omit<WelcomeMessage, 'maxPayloadBytes'>;

/** The last of a stream, when the credential has ended: get another one and ask for a stream by it. */
export interface ExpiredMessage extends StreamEnd {
  readonly type: 'expired';
}

/** The last of a stream that ends for anything else. */
export interface ClosedMessage extends StreamEnd {
  readonly type: 'closed';
}

interface StreamEnd {
  /** The close code that a WebSocket would end with. */
  readonly code: number;
  /** For people. Constant. */
  readonly reason: string;
  readonly retry: Retry;
}

/** What the gateway says on a stream. */
export type StreamMessage =
  | StreamWelcome
  | ChannelMessage
  | GapMessage
  | StatusMessage
  | ExpiringMessage
  | ExpiredMessage
  | ClosedMessage;
