import type { StreamAnswer, StreamRefusal } from './event-stream-request.ts';

/** A refusal because of some of the channels: it does not say which. */
export interface ChannelRefusal extends StreamRefusal {
  readonly code: (typeof OF_CHANNELS)[number];
}

const OF_CHANNELS = ['scope_denied', 'bad_message', 'subscription_limit'] as const;

/** Whether other channels might not be refused. */
export function isOfChannels(refusal: StreamRefusal): refusal is ChannelRefusal {
  return OF_CHANNELS.some((code) => code === refusal.code);
}

/** What was asked for, and how more is found out. */
export interface Sifting {
  readonly channels: readonly string[];
  /** Those that are known to be granted; what is found out is added. */
  readonly granted: Set<string>;
  /** Asks for a stream of this channel alone. */
  readonly ask: (channel: string) => Promise<StreamAnswer>;
}

/**
 * Which channels a stream was refused for: one must not cost a client all the others. A single refusal, where it
 * turns out to be something else. What is known of the others already spares tickets, which may count once only.
 */
export async function sift(
  refusal: ChannelRefusal,
  { channels, granted, ask }: Sifting,
): Promise<ReadonlyMap<string, ChannelRefusal> | StreamRefusal> {
  // Those that have been there for longer stay.
  if (refusal.code === 'subscription_limit') return new Map(channels.slice(-1).map(withRefusal));

  const unknown = channels.filter((channel) => !granted.has(channel));
  // Something is not granted any more.
  const suspects = unknown.length === 0 ? channels : unknown;
  if (suspects.length === 1) return new Map(suspects.map(withRefusal));
  const refused = new Map<string, ChannelRefusal>();
  for (const channel of suspects) {
    granted.delete(channel);
    const answer = await ask(channel);
    if (!('close' in answer)) {
      granted.add(channel);
      // That was all that it is good for; it may have broken by itself.
      await answer.cancel().catch(() => undefined);
    } else if (isOfChannels(answer)) refused.set(channel, answer);
    else return answer;
  }
  // All are granted, and not together: there is nothing to be done about that.
  return refused.size === 0 && suspects.length === channels.length ? refusal : refused;

  function withRefusal(channel: string): readonly [string, ChannelRefusal] {
    return [channel, refusal];
  }
}
