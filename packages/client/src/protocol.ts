export { encodeMessage, parseCommand } from './protocol/codec.ts';
export type { BadCommand } from './protocol/codec.ts';
export type { Failure, Retry } from './protocol/failure.ts';
export type {
  EndingName,
  FailureCode,
  FailureName,
  RefusalName,
} from './protocol/failure-names.ts';
export { failures } from './protocol/failures.ts';
export { AUTH_SECONDS, LARGEST_ID, LONGEST_KEY, LONGEST_TOKEN } from './protocol/limits.ts';
export type {
  AuthCommand,
  ChannelMessage,
  ChannelMode,
  Command,
  ErrorReply,
  ExpiringMessage,
  GapMessage,
  GapReason,
  GatewayMessage,
  OkReply,
  PingCommand,
  PongReply,
  PublishCommand,
  Reply,
  StatusMessage,
  SubscribeCommand,
  UnsubscribeCommand,
  UnsubscribedMessage,
  WelcomeMessage,
} from './protocol/messages.ts';
export type {
  ClosedMessage,
  ExpiredMessage,
  StreamMessage,
  StreamWelcome,
} from './protocol/stream-messages.ts';
export { PROBLEM_TYPE } from './protocol/problem-type.ts';
export { retryAfter } from './protocol/retry-after.ts';
export { parseOffers, SUBPROTOCOL } from './protocol/subprotocol.ts';
export type { OfferedCredential, Offers } from './protocol/subprotocol.ts';
