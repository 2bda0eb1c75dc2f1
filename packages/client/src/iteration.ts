import type { PosternError } from './errors.ts';
import type { Gap, Message } from './subscription.ts';

/** What an iteration over a channel comes to. */
export type Item<Payload> = Message<Payload> | Gap;

/** What an iteration is of. */
export interface Source<Payload> {
  /** How many may wait. Whoever is slower loses what waits, and is told so in its place. */
  readonly limit: number;
  /** Begins; returns what ends it. `end` without an error is the end as it was asked for. */
  begin(push: (item: Item<Payload>) => void, end: (error?: PosternError) => void): () => void;
}

/** Hands out what comes, one after the other, as fast as it is asked for. It begins with the first that is asked for. */
export async function* iterate<Payload>({
  limit,
  begin,
}: Source<Payload>): AsyncGenerator<Item<Payload>, undefined, undefined> {
  let items: Item<Payload>[] = [];
  let end: { readonly error: PosternError | undefined } | undefined;
  let wake = (): void => undefined;

  const stop = begin(
    (item) => {
      const { channel, cursor } = item;
      if (items.length < limit) items.push(item);
      else items = [{ type: 'gap', channel, reason: 'overflow', cursor }];
      wake();
    },
    (error) => {
      end = { error };
      // Whoever ended it wants no more of it.
      if (error === undefined) items = [];
      wake();
    },
  );
  try {
    for (;;) {
      const item = items.shift();
      if (item !== undefined) yield item;
      else if (end !== undefined) break;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    stop();
  }
  if (end.error !== undefined) throw end.error;
  return undefined;
}
