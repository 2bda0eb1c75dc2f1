import type { PosternError } from './errors.ts';
import type { WelcomeMessage } from './protocol/messages.ts';

/** What a client is doing. Each is a snapshot, and never changes. */
export type ClientState =
  IdleState | ConnectingState | OpenState | WaitingState | StoppedState | ClosedState;

/** Nothing was asked for yet. */
export interface IdleState {
  readonly name: 'idle';
}

/** A credential is being got, or a connection opened. */
export interface ConnectingState {
  readonly name: 'connecting';
  /** How many attempts have failed since the client was open last. */
  readonly attempt: number;
  /** What the connection before ended by; undefined where there was none. */
  readonly error: PosternError | undefined;
}

/** Messages come and go. */
export interface OpenState {
  readonly name: 'open';
  /** The session's id, as in the gateway's log. */
  readonly session: string;
  /** Who it is, if the credential names somebody. */
  readonly user: string | undefined;
  /** When the credential ends, in UNIX seconds; undefined: never. The client gets another one in time. */
  readonly expiresAt: number | undefined;
  /** What is granted: names and patterns, with the mode of each. */
  readonly channels: WelcomeMessage['channels'];
  /** Whether messages arrive from PostgreSQL. */
  readonly database: 'up' | 'down';
}

/** An attempt failed, or the connection did, and another one is made later. */
export interface WaitingState {
  readonly name: 'waiting';
  readonly attempt: number;
  /** When that is, in milliseconds of `Date.now()`. */
  readonly retryAt: number;
  readonly error: PosternError;
}

/**
 * Something is wrong that no waiting mends: nobody is logged in, or, by `identity_changed`, somebody else than before.
 * `connect()` tries anew, as whoever is logged in then.
 */
export interface StoppedState {
  readonly name: 'stopped';
  readonly error: PosternError;
}

/** `close()` was called, or the signal of the client aborted. For good. */
export interface ClosedState {
  readonly name: 'closed';
}
