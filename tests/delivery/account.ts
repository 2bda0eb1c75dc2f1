/** What a publisher knows of a message in the end. `unknown`: it may have been committed. */
export type Outcome = 'committed' | 'rolled back' | 'unknown';

/** A message as its publisher knows it. */
export interface Publication {
  readonly publisher: string;
  /** One more with each message of the publisher. */
  readonly number: number;
  readonly channel: string;
  /** When it was begun to be sent, by the clock of {@link Sight}. */
  readonly sentMs: number;
  readonly outcome: Outcome;
}

/** A message that came, or a gap that was told. */
export type Sight =
  | {
      readonly type: 'message';
      readonly channel: string;
      readonly publisher: string;
      readonly number: number;
    }
  | { readonly type: 'gap'; readonly channel: string; readonly atMs: number };

/** Some time, by the clock of {@link Sight}. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** All that one subscriber saw, over all its connections, from before the first message was published. */
export interface Account {
  readonly subscriber: string;
  readonly channels: readonly string[];
  /** In the order in which it came. */
  readonly seen: readonly Sight[];
  /** When it was away: from what it read last, until it was subscribed again. */
  readonly away: readonly Span[];
}

/** What tells a message from all others. */
export function nameOf({
  channel,
  publisher,
  number,
}: Pick<Publication, 'channel' | 'publisher' | 'number'>): string {
  return `${channel}/${publisher}/${number}`;
}
