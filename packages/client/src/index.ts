export { createClient } from './client.ts';
export type {
  Channel,
  ChannelSubscription,
  Client,
  ClientOptions,
  MessagesOptions,
  PagePreauth,
  PublishOptions,
} from './client.ts';
export type { Backoff } from './backoff.ts';
export { PosternError } from './errors.ts';
export type { ErrorCode } from './errors.ts';
export type { Item } from './iteration.ts';
export type { Published } from './publications.ts';
export type { SocketConstructor, SocketLike } from './socket.ts';
export type {
  ClientState,
  ClosedState,
  ConnectingState,
  IdleState,
  OpenState,
  StoppedState,
  WaitingState,
} from './state.ts';
export type { Gap, Message, Subscribed, SubscribeOptions } from './subscription.ts';
export type { TokenWish } from './token.ts';
