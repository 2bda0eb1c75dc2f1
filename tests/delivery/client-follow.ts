import type { Channel, Gap } from '@postern/client';

import type { Sight } from './account.ts';
import { sightOf } from './reader.ts';

/** How a channel is followed for a while. */
export interface FollowOptions {
  readonly channel: Channel<unknown>;
  /** Where it was left; undefined: it was not followed before. */
  readonly from: string | undefined;
  /** After so many messages it is left. */
  readonly messages: number;
  readonly saw: (sight: Sight) => void;
  readonly gapTold: (reason: string) => void;
}

/** Follows a channel for a while, and resolves to where it is then. Rejects when the client ends that. */
export type Follow = (options: FollowOptions) => Promise<{ readonly cursor: string | undefined }>;

/** The ways in which a program may do that. */
export const follows = {
  /** A function that is called, and leaves from within. */
  listener: ({ channel, from, messages, saw, ...options }) =>
    new Promise((settle, fail) => {
      let left = messages;
      const subscription = channel.subscribe(
        (message) => {
          saw(sightOf(message.channel, message.payload));
          left -= 1;
          if (left > 0) return;
          subscription.unsubscribe();
          settle(subscription);
        },
        {
          ...startingAt(from),
          onGap: (gap) => note(gap, { saw, ...options }),
          onError: fail,
        },
      );
    }),
  /** A loop, and a `break`. */
  iteration: async ({ channel, from, messages, saw, ...options }) => {
    let cursor = from;
    let left = messages;
    for await (const item of channel.messages(startingAt(from))) {
      cursor = item.cursor;
      if (item.type === 'gap') note(item, { saw, ...options });
      else {
        saw(sightOf(item.channel, item.payload));
        left -= 1;
        if (left <= 0) break;
      }
    }
    return { cursor };
  },
} as const satisfies Readonly<Record<string, Follow>>;

function startingAt(from: string | undefined): { readonly from?: string } {
  return from === undefined ? {} : { from };
}

function note(
  { channel, reason }: Gap,
  { saw, gapTold }: Pick<FollowOptions, 'saw' | 'gapTold'>,
): void {
  gapTold(reason);
  saw({ type: 'gap', channel, atMs: performance.now() });
}
