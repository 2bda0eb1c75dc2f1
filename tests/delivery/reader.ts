import type { Sight } from './account.ts';

/** One connection, of whichever protocol. */
export interface Link {
  /** Whether what it brings still counts: what was read in one go with the end of a link is lost with it. */
  readonly isOpen: boolean;
  readonly isPaused: boolean;
  pause(): void;
  resume(): void;
  /** Drops it without a goodbye. */
  terminate(): void;
}

/** What a link brings: the answer to a subscription, or anything else. */
export type Moment = 'reply' | 'message';

/** What a reader tells of its connection, in the order in which it came. */
export interface Witness {
  /** The connection is one. */
  opened(): void;
  /** From here on all of a channel is to come. */
  subscribed(channel: string): void;
  /** Nothing more of it is asked for, for a while. */
  unsubscribed(channel: string): void;
  saw(sight: Sight): void;
  /** A cursor was taken, or not. */
  resumed(isRecovered: boolean): void;
  gapTold(reason: string): void;
  /** It came, and nothing here asks for it. */
  surprised(text: string): void;
  /** All that this brought has been told. */
  wasRead(moment: Moment): void;
  /** The link has ended: a close code, the last event, or the HTTP status of a refusal. */
  ended(ending: string): void;
}

/** Speaks a protocol, and remembers over all connections where it is. */
export interface Reader {
  /** Connects once. What goes wrong ends the link. */
  open(port: number, witness: Witness): Link;
}

/** Keeps connecting, and tells all that comes, until it is stopped. */
export interface Stay {
  /** The connection of now, or the last one. */
  readonly link: Link | undefined;
  /** A second time it does nothing. */
  start(witness: Witness): void;
  /** Destroys the connection: what was not read by then is lost with it. Then stays away so long, if that is given. */
  cut(awayMs?: number): void;
  /** Ends for good. Harmless when called again. */
  stop(): Promise<void>;
}

/** What a `message` says. */
export function sightOf(channel: string, payload: unknown): Sight {
  const { publisher, number } = Object(payload);
  return { type: 'message', channel, publisher: String(publisher), number: Number(number) };
}
