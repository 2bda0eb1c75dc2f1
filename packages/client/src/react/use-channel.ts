import {
  useCallback,
  useEffect,
  useInsertionEffect,
  useMemo,
  useRef,
  useSyncExternalStore,
} from 'react';
import type { RefObject } from 'react';

import type { PublishOptions } from '../client.ts';
import type { Published } from '../publications.ts';
import type { Gap, Message, Subscribed } from '../subscription.ts';
import { EMPTY, lastOf } from './channel-store.ts';
import type { ChannelSnapshot } from './channel-store.ts';
import { enter, look } from './channel-stores.ts';
import type { Place } from './channel-stores.ts';
import { useClient } from './provider.ts';

/** How a component uses a channel. Functions may be new at each render; the last ones are called. */
export interface ChannelOptions<Payload> {
  /** How many messages are kept and shown. Default 100; 0: none, for a component that has functions only. */
  readonly limit?: number;
  /** Told of each message, once. */
  readonly onMessage?: (message: Message<Payload>) => void;
  /** Messages may be missing. Default, where no component of this channel has one: the client's own `onGap`. */
  readonly onGap?: (gap: Gap) => void;
  /** Messages come from here on, at the first time and after each break. The state is best loaded after the first. */
  readonly onSubscribed?: (subscribed: Subscribed) => void;
}

/** A channel, as a component sees it. */
export interface FollowedChannel<Payload> extends ChannelSnapshot<Payload> {
  /** As that of `client.channel(name)`. The same function for as long as client and name are. */
  readonly publish: (payload: Payload, options?: PublishOptions) => Promise<Published>;
}

const nothing = (): void => undefined;

/** Follows a channel for as long as the component is there. All who name the same one see the same. Without a name: none. */
export function useChannel<Payload = unknown>(
  name: string | undefined,
  options: ChannelOptions<Payload> = {},
): FollowedChannel<Payload> {
  const { limit = 100 } = options;
  const place = usePlace<Payload>(name);
  const latest = useLatest({ place, limit, options });
  const subscribe = useCallback(
    (onChange: () => void) =>
      place === undefined
        ? nothing
        : enter(place).show({ onChange, limit: () => latest.current.limit }),
    [place, latest],
  );
  const { messages, gaps, error, isLive } = useSyncExternalStore<ChannelSnapshot<Payload>>(
    subscribe,
    () => (place === undefined ? EMPTY : look(place)),
    () => EMPTY,
  );
  useListener(place, latest, options);
  const publish = useCallback<FollowedChannel<Payload>['publish']>(
    (payload, how) =>
      place === undefined
        ? Promise.reject(new TypeError('There is no channel: its name is undefined'))
        : place.channel.publish(payload, how),
    [place],
  );
  const shown = useMemo(() => lastOf(messages, limit), [messages, limit]);
  return { messages: shown, gaps, error, isLive, publish };
}

function usePlace<Payload>(name: string | undefined): Place<Payload> | undefined {
  const client = useClient();
  return useMemo(
    () => (name === undefined ? undefined : { client, channel: client.channel<Payload>(name) }),
    [client, name],
  );
}

/** A component as it was shown last. */
interface Shown<Payload> {
  readonly place: Place<Payload> | undefined;
  readonly limit: number;
  readonly options: ChannelOptions<Payload>;
}

/** Of renders that are never shown nothing stays. */
function useLatest<Payload>(shown: Shown<Payload>): RefObject<Shown<Payload>> {
  const latest = useRef(shown);
  useInsertionEffect(() => {
    latest.current = shown;
  });
  return latest;
}

/** Calls the functions of the component as it was shown last, and does not subscribe anew for other ones. */
function useListener<Payload>(
  place: Place<Payload> | undefined,
  latest: RefObject<Shown<Payload>>,
  { onGap }: ChannelOptions<Payload>,
): void {
  const hasOnGap = onGap !== undefined;
  useEffect(() => {
    if (place === undefined) return nothing;
    return enter(place).tell({
      onMessage: (message) => optionsFor(place, latest).onMessage?.(message),
      onSubscribed: (subscribed) => optionsFor(place, latest).onSubscribed?.(subscribed),
    });
  }, [place, latest]);
  useEffect(() => {
    if (place === undefined || !hasOnGap) return nothing;
    return enter(place).tell({ onGap: (gap) => optionsFor(place, latest).onGap?.(gap) });
  }, [place, latest, hasOnGap]);
}

/** None once another channel is shown: for a moment this one is still followed. */
function optionsFor<Payload>(
  place: Place<Payload>,
  { current }: RefObject<Shown<Payload>>,
): ChannelOptions<Payload> {
  return current.place === place ? current.options : {};
}
