import type { Answer } from './answer.ts';
import { Core } from './core.ts';
import type { CommonOptions, Ways } from './core.ts';
import { PosternError, trouble } from './errors.ts';
import { sendByFetch } from './fetch-request.ts';
import { iterate } from './iteration.ts';
import type { Item, Source } from './iteration.ts';
import type { PreauthOptions } from './preauth.ts';
import type { Published } from './publications.ts';
import type { ClientState } from './state.ts';
import type { Message, SubscribeOptions } from './subscription.ts';
import type { TokenWish } from './token.ts';

/** How many items may wait for an iteration. */
const MOST_ITEMS = 10_000;

/** How a page preauthenticates, and by what it says who its user is. */
export interface PagePreauth extends PreauthOptions {
  /** Headers of the request, such as `Authorization`, asked for each time. Default: none; the site's cookie is to do. */
  readonly headers?: () =>
    Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
}

/** How to make a client. One of `preauth` and `getToken` has to be there. */
export interface ClientOptions extends CommonOptions {
  /** A page's way in, by the login of its site: `true`, or how (docs/protocol.md §4.1). */
  readonly preauth?: true | PagePreauth;
  /** Gets a JWT. It is used for as long as it lasts; undefined says that nobody is logged in, and stops the client. */
  readonly getToken?: (wish: TokenWish) => string | undefined | Promise<string | undefined>;
  /** Closes the client. */
  readonly signal?: AbortSignal | undefined;
}

/** How to publish. */
export interface PublishOptions {
  /** Makes a second try safe, so that there can be one. Default: none. 200 characters at the most. */
  readonly key?: string | undefined;
  /** Gives up. What is under way may be published all the same. */
  readonly signal?: AbortSignal | undefined;
}

/** How to iterate. */
export interface MessagesOptions {
  /** As for a subscriber. */
  readonly from?: string | undefined;
  /** Ends the iteration. */
  readonly signal?: AbortSignal | undefined;
  /** How many items may wait; beyond it they become one gap. Default 10,000. */
  readonly limit?: number | undefined;
}

/** One that follows a channel. */
export interface ChannelSubscription {
  /** The last that it was told of: to be kept, and shown as `from`, by whoever leaves and comes back. */
  readonly cursor: string | undefined;
  /** A second time it does nothing. */
  unsubscribe(): void;
}

/** A channel, as this client may use it. There is no need to keep or to close it. */
export interface Channel<Payload> extends AsyncIterable<Item<Payload>> {
  readonly name: string;
  /** Follows the channel, over all reconnects. */
  subscribe(
    listener: (message: Message<Payload>) => void,
    options?: SubscribeOptions & { readonly signal?: AbortSignal | undefined },
  ): ChannelSubscription;
  /** The same as something to iterate over: messages, and gaps in their places. Rejects when the channel is not granted. */
  messages(options?: MessagesOptions): AsyncGenerator<Item<Payload>, undefined, undefined>;
  /** Resolves when it is committed. Rejects with a {@link PosternError}, and with TypeError for what is no JSON. */
  publish(payload: Payload, options?: PublishOptions): Promise<Published>;
}

/** A client of a gateway. It connects by itself, with the first that it is asked for. */
export interface Client {
  readonly state: ClientState;
  /** Connects now. After a stop it tries anew, as whoever is logged in then. */
  connect(): void;
  /** For good. */
  close(): void;
  /** Tells each new state. Returns what ends it. */
  on(name: 'state', listener: (state: ClientState) => void): () => void;
  channel<Payload = unknown>(name: string): Channel<Payload>;
}

/**
 * Makes a client. Nothing happens before it is asked for something.
 *
 * @throws TypeError when the options cannot work.
 */
export function createClient(options: ClientOptions): Client {
  const core = new Core(options, waysOf(options));
  onAbort(options.signal, () => core.close());

  return {
    get state() {
      return core.state;
    },
    connect: () => core.connect(),
    close: () => core.close(),
    on: (_name, listener) => core.onState(listener),
    channel: (name) => channelOf(core, name),
  };
}

function channelOf<Payload>(core: Core, name: string): Channel<Payload> {
  const channel: Channel<Payload> = {
    name,
    subscribe: (listener, { signal, ...options } = {}) => {
      const { cursor, unsubscribe } = core.subscribe(name, {
        ...options,
        onMessage: (message) => listener(asPromised<Payload>(message)),
      });
      onAbort(signal, unsubscribe);
      return {
        get cursor() {
          return cursor();
        },
        unsubscribe,
      };
    },
    messages: ({ from, signal, limit = MOST_ITEMS } = {}) => {
      const begin: Source<Payload>['begin'] = (push, end) => {
        const { unsubscribe } = core.subscribe(name, {
          from,
          onMessage: (message) => push(asPromised<Payload>(message)),
          onGap: push,
          onError: () => undefined,
          onEnd: (error) => end(error.code === 'closed' ? undefined : error),
        });
        const forget = onAbort(signal, () => end());
        return () => {
          forget();
          unsubscribe();
        };
      };
      return iterate({ limit, begin });
    },
    publish: async (payload, { key, signal } = {}) => {
      let giveUp = (): void => undefined;
      const forget = onAbort(signal, () => giveUp());
      try {
        return await new Promise<Published>((resolve, reject) => {
          giveUp = core.publish({ channel: name, payload, key }, (outcome) => {
            if (outcome instanceof PosternError) reject(outcome);
            else resolve(outcome);
          });
          if (signal?.aborted === true) giveUp();
        });
      } finally {
        forget();
      }
    },
    [Symbol.asyncIterator]: () => channel.messages(),
  };
  return channel;
}

/** What a channel carries is for those to agree on who use it: the type is their word for it. */
function asPromised<Payload>(message: Message): Message<Payload> {
  return message as Message<Payload>;
}

function waysOf({ preauth, getToken }: ClientOptions): Ways {
  if ((preauth === undefined) === (getToken === undefined))
    throw new TypeError('preauth or getToken is needed');
  if (getToken !== undefined)
    return {
      askToken: (wish, answer) =>
        settle(
          () => getToken(wish),
          (token = '') => answer(token),
          answer,
        ),
    };

  const { headers = () => ({}), ...options } =
    preauth === true || preauth === undefined ? {} : preauth;
  return {
    preauth: options,
    headers: (answer) => settle(headers, answer, answer),
    send: sendByFetch,
  };
}

/** Asks a function of the program's, which may answer at once or later, and may fail. */
function settle<Value>(
  ask: () => Value | Promise<Value>,
  use: (value: Value) => void,
  fail: Answer<never>,
): void {
  const failed = (error: unknown): void =>
    fail(error instanceof PosternError ? error : trouble('token_failed', { cause: error }));
  // Its throw becomes a rejection; what `use` throws is a bug of ours, and none of its.
  new Promise<Value>((resolve) => resolve(ask())).then(use, failed);
}

/** Calls when the signal aborts, at once if it has. Returns what ends that. */
function onAbort(signal: AbortSignal | undefined, call: () => void): () => void {
  if (signal?.aborted === true) call();
  signal?.addEventListener('abort', call, { once: true });
  return () => signal?.removeEventListener('abort', call);
}
