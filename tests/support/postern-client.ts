import { createClient } from '@postern/client';
import type { Client, ClientOptions, ClientState, Gap, Message } from '@postern/client';
import { WebSocket } from 'ws';

import type { TestGateway } from './gateway.ts';
import type { Scope } from './postgres.ts';
import { inSeconds, signToken } from './tokens.ts';
import { until } from './wait.ts';

/** Waits are short in tests. */
const QUICK = { baseMs: 20, capMs: 100 };

/** What a test's token says, unless it says something else. */
const CLAIMS = { sub: 'ada', mode: 'rw', channels: ['chat', 'room:*'] };

/** A client under test, and all that it has told. */
export interface TestClient {
  readonly client: Client;
  readonly states: readonly ClientState[];
  /** What nobody else was told: errors of listeners and of subscriptions. */
  readonly errors: readonly unknown[];
  /** Why tokens were wanted. */
  readonly wishes: readonly string[];
  /** Waits until it is in this state, and returns that. */
  reaches<Name extends ClientState['name']>(
    name: Name,
  ): Promise<Extract<ClientState, { readonly name: Name }>>;
}

/** How a client under test is made: of its options those that matter, and the claims of its tokens. */
export interface TestClientOptions extends Partial<ClientOptions> {
  readonly claims?: () => Readonly<Record<string, unknown>>;
}

/** Makes a client that shows tokens signed by the tests' secret; it is closed at the end of the scope. */
export function startClient(
  scope: Scope,
  { wsUrl }: Pick<TestGateway, 'wsUrl'>,
  { claims = () => ({}), ...options }: TestClientOptions = {},
): TestClient {
  const states: ClientState[] = [];
  const errors: unknown[] = [];
  const wishes: string[] = [];
  const client = createClient({
    url: wsUrl,
    WebSocket,
    backoff: QUICK,
    onError: (error) => void errors.push(error),
    ...(options.preauth === undefined && {
      getToken: ({ reason }) => {
        wishes.push(reason);
        return signToken({ ...CLAIMS, exp: inSeconds(600), ...claims() });
      },
    }),
    ...options,
  });
  scope.after(() => Promise.resolve(client.close()));
  client.on('state', (state) => void states.push(state));
  return {
    client,
    states,
    errors,
    wishes,
    reaches: (name) =>
      until(`the state ${name}`, () => {
        const { state } = client;
        return isNamed(state, name) ? state : undefined;
      }),
  };
}

/** What a subscriber was told, in its order. */
export interface Told {
  readonly items: readonly (Message | Gap)[];
  /** How often messages began to come. */
  readonly begun: readonly (boolean | undefined)[];
  readonly payloads: () => readonly unknown[];
}

/** Follows a channel, and waits until its messages come. */
export async function follow(client: Client, channel: string): Promise<Told> {
  const items: (Message | Gap)[] = [];
  const begun: (boolean | undefined)[] = [];
  client.channel(channel).subscribe((message) => void items.push(message), {
    onGap: (gap) => void items.push(gap),
    onSubscribed: ({ recovered }) => void begun.push(recovered),
  });
  await until(`the channel ${channel}`, () => begun.length > 0);
  return {
    items,
    begun,
    payloads: () =>
      items.map((item) => (item.type === 'message' ? item.payload : `gap: ${item.reason}`)),
  };
}

function isNamed<Name extends ClientState['name']>(
  state: ClientState,
  name: Name,
): state is Extract<ClientState, { readonly name: Name }> {
  return state.name === name;
}
