import type { FailureCode } from './failure-names.ts';
import type { Retry } from './failure.ts';

/**
 * The messages of `postern.v1`: each is a JSON object in a text frame of its own, whose `type` says
 * which it is. To add one: its interface, a line in its union, and for a command how it is read, in
 * `codec.ts`.
 */

/**
 * Shows a token: the first message of a connection that brought no credential; later, another one by
 * which the session goes on.
 */
export interface AuthCommand {
  readonly type: 'auth';
  readonly id: number;
  readonly token: string;
}

/** Asks for a sign of life: browsers cannot send the pings of WebSocket. */
export interface PingCommand {
  readonly type: 'ping';
  readonly id: number;
}

/** Asks for the messages of a channel. */
export interface SubscribeCommand {
  readonly type: 'subscribe';
  readonly id: number;
  readonly channel: string;
  /** The last cursor that the client has of the channel: what came after it is wanted, too. */
  readonly from?: string | undefined;
}

/** Asks for no more messages of a channel. */
export interface UnsubscribeCommand {
  readonly type: 'unsubscribe';
  readonly id: number;
  readonly channel: string;
}

/** Sends a message to a channel. */
export interface PublishCommand {
  readonly type: 'publish';
  readonly id: number;
  readonly channel: string;
  /** Any JSON. */
  readonly payload: unknown;
  /** Names the message: of those of one user to one channel with the same key, only the first is published. */
  readonly key?: string;
}

/** What a client says. It chooses the `id`, by which it knows the reply. */
export type Command =
  AuthCommand | PingCommand | SubscribeCommand | UnsubscribeCommand | PublishCommand;

/** What may be done with a channel, spelled as in tokens. */
export type ChannelMode = 'r' | 'w' | 'rw';

/** The first message on an authorised connection. All times are UNIX seconds, with a fraction. */
export interface WelcomeMessage {
  readonly type: 'welcome';
  /** The session's name: nobody else's is the same. */
  readonly session: string;
  /** Whom the credential names, if it names somebody. */
  readonly user?: string;
  /** When the credential ends; absent: never. */
  readonly expiresAt?: number;
  readonly serverTime: number;
  /** What is granted: names and patterns, with the mode of each. */
  readonly channels: Readonly<Record<string, ChannelMode>>;
  /** How often the gateway pings. A client that hears nothing for twice as long has lost it. */
  readonly pingSeconds: number;
  /** Most bytes that a message of the client's may have; 0: any number. */
  readonly maxPayloadBytes: number;
}

/** A command was carried out. */
export interface OkReply {
  readonly type: 'ok';
  readonly id: number;
  /** Of a later `auth`: when the credential ends now; absent: never. */
  readonly expiresAt?: number;
  /** Of a later `auth`: what is granted now. */
  readonly channels?: WelcomeMessage['channels'];
  /** Of a `subscribe`: the channel's messages after this follow, and none of before. */
  readonly cursor?: string;
  /** Of a `subscribe` with a cursor: whether all that came after it follows. */
  readonly recovered?: boolean;
  /** Of a `publish` with a key: it was published before, and not again. */
  readonly duplicate?: true;
}

/** A message of a channel: the same bytes for all who are subscribed. */
export interface ChannelMessage {
  readonly type: 'message';
  readonly channel: string;
  /** Any JSON. */
  readonly payload: unknown;
  /** Its place in the feed, to come back to. Opaque. */
  readonly cursor: string;
  /** When the gateway got it, in UNIX seconds. */
  readonly at: number;
  /** Who sent it, by the token that was shown for it; absent where that names nobody, or SQL sent it. */
  readonly claims?: { readonly sub: string };
}

/**
 * Why messages may be missing: the gateway was cut off from PostgreSQL; a long one could not be fetched; the
 * cursor is of another gateway, or of before a break; or more came after it than the gateway keeps.
 */
export type GapReason = 'feed_lost' | 'payload_lost' | 'unknown_cursor' | 'too_old';

/** Messages of a channel may be missing, and do not follow: load the state anew. */
export interface GapMessage {
  readonly type: 'gap';
  readonly channel: string;
  readonly reason: GapReason;
  /** From here on nothing is missing. */
  readonly cursor: string;
}

/** A channel is not granted any more: its messages have ended. */
export interface UnsubscribedMessage {
  readonly type: 'unsubscribed';
  readonly channel: string;
  /** A code of the failure table. */
  readonly code: FailureCode;
  readonly reason: string;
}

/** Whether messages arrive from PostgreSQL: said when that changes. */
export interface StatusMessage {
  readonly type: 'status';
  readonly database: 'up' | 'down';
}

/** The credential's end is near: show another one, or be closed with `tokenExpired`. */
export interface ExpiringMessage {
  readonly type: 'expiring';
  /** How long it still counts, with a fraction. */
  readonly seconds: number;
}

/** A command was not carried out; the connection stays. */
export interface ErrorReply {
  readonly type: 'error';
  readonly id: number;
  /** A code of the failure table, to go by. */
  readonly code: FailureCode;
  /** For people: what is wrong. Constant, and may change. */
  readonly message: string;
  readonly retry: Retry;
}

/** The answer to a `ping`. */
export interface PongReply {
  readonly type: 'pong';
  readonly id: number;
}

/** What answers a command, by its `id`: exactly one. */
export type Reply = OkReply | ErrorReply | PongReply;

/** What the gateway says. */
export type GatewayMessage =
  | WelcomeMessage
  | ExpiringMessage
  | ChannelMessage
  | GapMessage
  | UnsubscribedMessage
  | StatusMessage
  | Reply;
