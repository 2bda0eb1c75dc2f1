import type { Answer } from './answer.ts';
import { complain } from './console.ts';
import { Core } from './core.ts';
import type { CommonOptions, Ways } from './core.ts';
import { PosternError, trouble } from './errors.ts';
import { attempt } from './listeners.ts';
import type { PreauthOptions } from './preauth.ts';
import type { Published } from './publications.ts';
import type { ClientState } from './state.ts';
import type { Message, SubscribeOptions } from './subscription.ts';
import type { TokenWish } from './token.ts';
import { sendByXhr } from './xhr-request.ts';

/** Is called once, with an error or with what was asked for. */
type Callback<Value> = (error: unknown, value?: Value) => void;

/** How a page of an old browser preauthenticates. */
interface PagePreauth extends PreauthOptions {
  /** Headers of the request, asked for each time. Default: none; the site's cookie is to do. */
  readonly headers?: () => Readonly<Record<string, string>>;
}

/** As for the client with promises, with callbacks in their place. */
interface ClientOptions extends CommonOptions {
  readonly preauth?: true | PagePreauth;
  /** Calls back with a JWT; without one where nobody is logged in. */
  readonly getToken?: (wish: TokenWish, done: Callback<string>) => void;
}

/** A channel, as this client may use it. */
interface Channel {
  readonly name: string;
  subscribe(
    listener: (message: Message) => void,
    options?: SubscribeOptions,
  ): { readonly unsubscribe: () => void };
  /** Returns what gives it up. */
  publish(
    payload: unknown,
    options?: { readonly key?: string },
    done?: Callback<Published>,
  ): () => void;
}

/** A client of a gateway, for browsers that have no promises. */
interface Client {
  /** What the client is doing: a function, as old browsers have it. */
  state(): ClientState;
  connect(): void;
  close(): void;
  on(name: 'state', listener: (state: ClientState) => void): () => void;
  channel(name: string): Channel;
}

/**
 * Makes a client. Nothing happens before it is asked for something.
 *
 * @throws TypeError when the options cannot work.
 */
export function createClient(options: ClientOptions): Client {
  const core = new Core(options, waysOf(options));
  const { onError: report = complain } = options;

  return {
    state: () => core.state,
    connect: () => core.connect(),
    close: () => core.close(),
    on: (_name, listener) => core.onState(listener),
    channel: (name) => ({
      name,
      subscribe: (onMessage, more = {}) => {
        const { unsubscribe } = core.subscribe(name, { ...more, onMessage });
        return { unsubscribe };
      },
      // Without a function of its own what was not published is told as any error is.
      publish: (payload, { key } = {}, done = (error) => error !== undefined && report(error)) =>
        core.publish({ channel: name, payload, key }, (outcome) => {
          attempt(() => {
            if (outcome instanceof PosternError) done(outcome);
            else done(undefined, outcome);
          }, report);
        }),
    }),
  };
}

function waysOf({ preauth, getToken }: ClientOptions): Ways {
  if ((preauth === undefined) === (getToken === undefined))
    throw new TypeError('preauth or getToken is needed');
  if (getToken !== undefined)
    return {
      askToken: (wish, answer) =>
        orFail(
          () =>
            getToken(wish, (error, token = '') =>
              answer(error === undefined || error === null ? token : failed(error)),
            ),
          answer,
        ),
    };

  const { headers = () => ({}), ...options } =
    preauth === true || preauth === undefined ? {} : preauth;
  return {
    preauth: options,
    headers: (answer) => orFail(() => answer(headers()), answer),
    send: sendByXhr,
  };
}

function orFail(call: () => void, answer: Answer<never>): void {
  attempt(call, (error) => answer(failed(error)));
}

function failed(error: unknown): PosternError {
  return error instanceof PosternError ? error : trouble('token_failed', { cause: error });
}
