import type { Channel, Client } from '../client.ts';
import { ChannelStore, EMPTY } from './channel-store.ts';
import type { ChannelSnapshot } from './channel-store.ts';

/** A channel of a client. */
export interface Place<Payload> {
  readonly client: Client;
  readonly channel: Channel<Payload>;
}

const stores = new WeakMap<Client, Map<string, ChannelStore<unknown>>>();

/** What is known there. Makes nothing: a component that is drawn may never be shown. */
export function look<Payload>(place: Place<Payload>): ChannelSnapshot<Payload> {
  return find(place)?.snapshot ?? EMPTY;
}

/** The store of a place, made for its first user. */
export function enter<Payload>(place: Place<Payload>): ChannelStore<Payload> {
  const { client, channel } = place;
  const found = find(place);
  if (found !== undefined) return found;
  const own = stores.get(client) ?? new Map<string, ChannelStore<unknown>>();
  stores.set(client, own);
  const store = new ChannelStore<unknown>(client, channel.name, () => own.delete(channel.name));
  own.set(channel.name, store);
  return asPromised<Payload>(store);
}

function find<Payload>({ client, channel }: Place<Payload>): ChannelStore<Payload> | undefined {
  const found = stores.get(client)?.get(channel.name);
  return found && asPromised<Payload>(found);
}

/** What a channel carries is the word of the components that use it. */
function asPromised<Payload>(store: ChannelStore<unknown>): ChannelStore<Payload> {
  return store as ChannelStore<Payload>;
}
