import type { Subscriber } from '#client/subscription.js';

/** One who follows a channel, and all that it was told, in its order. */
export function follower(options: Partial<Subscriber> = {}): {
  readonly subscriber: Subscriber;
  readonly told: string[];
} {
  const told: string[] = [];
  const subscriber = {
    onMessage: ({ payload }) => void told.push(String(payload)),
    onGap: ({ reason }) => void told.push(`gap ${reason}`),
    onSubscribed: ({ cursor, recovered }) => void told.push(`on ${cursor} ${recovered}`),
    onError: ({ code }) => void told.push(`error ${code}`),
    onEnd: ({ code }) => void told.push(`end ${code}`),
    ...options,
  } satisfies Subscriber;
  return { subscriber, told };
}

/** What subscribers have no function for. */
export function fallbacks() {
  const gaps: string[] = [];
  const errors: unknown[] = [];
  return {
    gaps,
    errors,
    onGap: ({ channel, reason }: { readonly channel: string; readonly reason: string }) =>
      void gaps.push(`${channel} ${reason}`),
    onError: (error: unknown) => void errors.push(error),
  };
}

/** A message as a gateway says it. Its cursor is that of its place. */
export function message(channel: string, place: number) {
  return { type: 'message', channel, payload: place, cursor: `c${place}`, at: place } as const;
}

/** A gap likewise. */
export function gap(channel: string, place: number) {
  return { type: 'gap', channel, reason: 'unknown_cursor', cursor: `c${place}` } as const;
}
