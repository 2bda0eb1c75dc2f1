import type { Channel, ChannelSubscription, Client } from '../client.ts';
import type { PosternError } from '../errors.ts';
import type { ClientState } from '../state.ts';
import type { Message, SubscribeOptions } from '../subscription.ts';

/** What is known of a channel. Each is a snapshot, and never changes. */
export interface ChannelSnapshot<Payload> {
  /** The last ones that came, the oldest of them first. */
  readonly messages: readonly Message<Payload>[];
  /** How often messages may have been missed. */
  readonly gaps: number;
  /** Why the channel is not followed, if it is not: it is not granted, for example. It is asked for again when the grant is another. */
  readonly error: PosternError | undefined;
  /** Whether messages come: not before the gateway has said so, nor while a connection is broken. */
  readonly isLive: boolean;
}

/** What a component shows of a channel. */
export interface Viewer {
  /** How many messages it shows. */
  readonly limit: () => number;
  /** There is another snapshot. */
  readonly onChange: () => void;
}

/** What a component is told of a channel. */
export interface Listener<Payload> extends Pick<SubscribeOptions, 'onGap' | 'onSubscribed'> {
  readonly onMessage?: (message: Message<Payload>) => void;
}

/** Of a channel that nobody uses. */
export const EMPTY: ChannelSnapshot<never> = {
  messages: [],
  gaps: 0,
  error: undefined,
  isLive: false,
};

const nothing = (): void => undefined;

/** One channel of one client, for all components that use it: each of them sees the same. */
export class ChannelStore<Payload> {
  readonly #client: Client;
  readonly #channel: Channel<Payload>;
  readonly #viewers = new Set<Viewer>();
  readonly #listeners = new Map<Listener<Payload>, ChannelSubscription | undefined>();
  readonly #forget: () => void;
  #users = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #snapshot: ChannelSnapshot<Payload> = EMPTY;
  #own: ChannelSubscription | undefined;
  /** Takes gaps that no component has a function for to the client's own. */
  #proxy: ChannelSubscription | undefined;
  /** In which session messages come. */
  #session: string | undefined;
  /** Whose messages these are. */
  #owner: { readonly user: string | undefined } | undefined;
  /** What was granted when it ended in an error. */
  #refusedBy: { readonly channels: unknown } | undefined;

  /** `forget` is called when nobody has used it for a turn. */
  constructor(client: Client, name: string, forget: () => void) {
    this.#client = client;
    this.#channel = client.channel<Payload>(name);
    const stop = client.on('state', (state) => this.#see(state));
    this.#forget = () => {
      stop();
      this.#own?.unsubscribe();
      this.#proxy?.unsubscribe();
      forget();
    };
    this.#see(client.state);
    this.#follow();
  }

  get snapshot(): ChannelSnapshot<Payload> {
    return this.#snapshot;
  }

  /** Returns what ends it. */
  show(viewer: Viewer): () => void {
    this.#viewers.add(viewer);
    return this.#use(() => this.#viewers.delete(viewer));
  }

  /** Returns what ends it. */
  tell(listener: Listener<Payload>): () => void {
    const leave = this.#use(() => {
      this.#listeners.get(listener)?.unsubscribe();
      this.#listeners.delete(listener);
      this.#mindGaps();
    });
    this.#listeners.set(listener, this.#subscribe(listener));
    this.#mindGaps();
    return leave;
  }

  #use(end: () => void): () => void {
    clearTimeout(this.#timer);
    // Whoever comes to one that is over, and that everybody had left, has come for another try.
    if (this.#users === 0 && this.#refusedBy !== undefined) this.#follow();
    this.#users += 1;
    let hasLeft = false;
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      end();
      this.#users -= 1;
      // Not at once: StrictMode takes every component off and puts it back, and a list may go from one to another.
      if (this.#users === 0) this.#timer = setTimeout(this.#forget);
    };
  }

  #follow(): void {
    this.#refusedBy = undefined;
    // Before all others, so that what they are told of is there already.
    this.#own = this.#channel.subscribe((message) => this.#take(message), {
      onGap: () => this.#become({ gaps: this.#snapshot.gaps + 1 }),
      onSubscribed: () => this.#begin(this.#client.state),
      onError: (error) => this.#end(error, this.#client.state),
    });
    for (const listener of this.#listeners.keys())
      this.#listeners.set(listener, this.#subscribe(listener));
    this.#mindGaps();
  }

  #subscribe({
    onMessage = nothing,
    onGap = nothing,
    ...options
  }: Listener<Payload>): ChannelSubscription | undefined {
    // The gateway would be asked again.
    if (this.#refusedBy !== undefined) return undefined;
    return this.#channel.subscribe(onMessage, { ...options, onGap, onError: nothing });
  }

  #mindGaps(): void {
    this.#proxy?.unsubscribe();
    this.#proxy = undefined;
    const isTold = [...this.#listeners.keys()].some(({ onGap }) => onGap !== undefined);
    if (isTold || this.#refusedBy !== undefined) return;
    this.#proxy = this.#channel.subscribe(nothing, { onError: nothing });
  }

  #take(message: Message<Payload>): void {
    const limit = Math.max(0, ...[...this.#viewers].map((viewer) => viewer.limit()));
    if (limit > 0) this.#become({ messages: lastOf([...this.#snapshot.messages, message], limit) });
  }

  #begin(state: ClientState): void {
    this.#session = state.name === 'open' ? state.session : undefined;
    this.#become({ error: undefined, isLive: this.#isLive(state) });
  }

  #end(error: PosternError, state: ClientState): void {
    this.#session = undefined;
    this.#refusedBy = { channels: state.name === 'open' ? state.channels : undefined };
    this.#become({ error, isLive: false });
  }

  #see(state: ClientState): void {
    if (state.name === 'open') {
      const { user, channels } = state;
      // What the one may read is not for the other.
      if (this.#owner !== undefined && this.#owner.user !== user) this.#become({ messages: [] });
      this.#owner = { user };
      if (this.#refusedBy !== undefined && this.#refusedBy.channels !== channels) this.#follow();
    }
    const isLive = this.#isLive(state);
    if (isLive !== this.#snapshot.isLive) this.#become({ isLive });
  }

  #isLive(state: ClientState): boolean {
    return state.name === 'open' && state.database === 'up' && state.session === this.#session;
  }

  #become(change: Partial<ChannelSnapshot<Payload>>): void {
    this.#snapshot = { ...this.#snapshot, ...change };
    for (const { onChange } of this.#viewers) onChange();
  }
}

/** The last of them, and the very same when that is all. */
export function lastOf<Item>(items: readonly Item[], limit: number): readonly Item[] {
  return items.length <= limit ? items : items.slice(items.length - Math.max(0, limit));
}
