import type { Close, MessageKind, Pace, Session } from './session.ts';
import type { Shown } from './standing.ts';

/**
 * What a session's messages mean: the same for all sessions that speak it. `Arriving` is what brings
 * somebody here, and its grant is what such a session may do, in whatever form its protocol asks for.
 */
export interface Protocol<Arriving extends Shown<unknown>> {
  /** What a grant names, for the log and for the embedding program. */
  readonly channels: (grant: Arriving['grant']) => readonly string[];
  /** The channels that are delivered from the first moment on, unasked. */
  readonly readable: (grant: Arriving['grant']) => readonly string[];
  /** How often a session is asked for a sign of life: a part of {@link HEARTBEAT_SECONDS}. */
  readonly beatSeconds: number;
  /** Whether it can tell a client that it said too much; otherwise whoever goes over the rate is ended. */
  readonly answersExcess: boolean;
  /** Makes what speaks with the client of one session. Nothing is said yet. */
  readonly converse: (talk: Talk<Arriving>) => Conversation;
}

/** Whom a conversation is with. */
export interface Talk<Arriving extends Shown<unknown>> {
  readonly session: Session<Arriving['grant']>;
  readonly visitor: Arriving;
  /**
   * Has the session, which must be open, go on by what its client has shown since. Changes nothing, and
   * returns false, when that ends no later than what it has shown before.
   */
  readonly renew: (shown: Shown<Arriving['grant']>) => boolean;
}

/** One session's side of what it and its client say to each other. */
export interface Conversation {
  /** The session has been entered everywhere: nobody has sent it anything yet. */
  opened(): void;
  /** A message of the client's. */
  receive(data: Buffer, kind: MessageKind, pace: Pace): void;
  /** The client has read what waited for it: more may follow. */
  drained(): void;
  /** The session has ended, and is nowhere any more. */
  closed(close: Close): void;
}
