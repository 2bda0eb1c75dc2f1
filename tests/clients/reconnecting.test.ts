import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';

import { createClient } from 'graphql-ws';
import { WebSocket as PartySocket } from 'partysocket';
import { Socket as PhoenixSocket } from 'phoenix';
import type * as ReconnectingModule from 'reconnecting-websocket';
import { WebSocket } from 'ws';

import { killListener } from '../support/failure-causes.ts';
import { startGateway } from '../support/gateway.ts';
import type { TestGateway, TestGatewayOptions } from '../support/gateway.ts';
import { JumpingClock } from '../support/jumping-clock.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';

const page = readFileSync(new URL('../../../docs/reconnecting.md', import.meta.url), 'utf8');
const scope = failOnLeaks();

/** What a client is told, and how that is brought about. */
const endings: Readonly<
  Record<number, { options?: TestGatewayOptions; provoke?: (gateway: TestGateway) => unknown }>
> = {
  3001: {},
  3003: { options: { hooks: { onSession: ({ end }) => end() } } },
  4500: { provoke: ({ query }) => query(`SELECT postern.revoke(sub => 'ada')`) },
  1012: {
    options: { environment: { POSTERN_RAW_GAP: 'close' } },
    provoke: ({ query }) => killListener(query),
  },
};

/** Connects, and says how to stop. */
type Start = (url: string) => () => unknown;

const QUICK = { WebSocket, minReconnectionDelay: 20, maxReconnectionDelay: 20 } as const;

/** Its types say `default`, as bundlers do; to Node the class is the module. */
const ReconnectingWebSocket: typeof ReconnectingModule.default.default = createRequire(
  import.meta.url,
)('reconnecting-websocket');

/** The rule of the page, in the words of the page. */
const shouldReconnectOnClose: (event: { code: number }) => boolean =
  evaluated('shouldReconnectOnClose');

/** graphql-ws speaks a subprotocol of its own: here it is answered as if the gateway did, too. */
class GraphqlSocket extends WebSocket {
  constructor(url: string) {
    super(url);
    const acknowledge = (): void =>
      void this.emit('message', Buffer.from('{"type":"connection_ack"}'), false);
    this.once('open', () => setImmediate(acknowledge));
  }
}

const libraries: Readonly<Record<string, Start>> = {
  'reconnecting-websocket 4.4': (url) => {
    const socket = new ReconnectingWebSocket(url, [], QUICK);
    return () => socket.close();
  },
  'partysocket 1.3': (url) => {
    const socket = new PartySocket(url, [], QUICK);
    return () => socket.close();
  },
  'partysocket 1.3, with `shouldReconnectOnClose` as below': (url) => {
    const socket = new PartySocket(url, [], { ...QUICK, shouldReconnectOnClose });
    return () => socket.close();
  },
  'graphql-ws 6.4': (url) => {
    const client = createClient({
      url,
      webSocketImpl: GraphqlSocket,
      lazy: false,
      retryWait: () => new Promise((resolve) => setTimeout(resolve, 20)),
      onNonLazyError: () => {},
    });
    // It rejects when it is just being turned away, which is what it comes back for.
    return () => Promise.resolve(client.dispose()).catch(() => undefined);
  },
  'phoenix 1.8': (url) => {
    const socket = new PhoenixSocket(url, { transport: WebSocket, reconnectAfterMs: () => 20 });
    socket.connect();
    return () => socket.disconnect();
  },
};

/** How often somebody has been at the door. */
const visits = ({ events }: TestGateway): number =>
  events.filter(({ event }) => event === 'session_started' || event === 'handshake_refused').length;

/** Whoever is to come again may take long, on a machine that has much else to do. */
const PATIENCE_MS = { again: 15_000, stops: 1_000 } as const;

type Outcome = keyof typeof PATIENCE_MS;

/** Whether somebody comes again who was sent away by this code, in as much time as what is expected takes. */
async function comesAgain(start: Start, code: number, expected: Outcome): Promise<Outcome> {
  const { options = {}, provoke } = endings[code] ?? assert.fail();
  const clock = new JumpingClock();
  const gateway = await startGateway(scope, { ...options, hooks: { ...options.hooks, clock } });
  const exp = clock.inSeconds(code === 3001 ? 60 : 600);
  const token = await signToken({ mode: 'r', channel: 'chat', sub: 'ada', iat: 1, exp });
  const stop = start(`${gateway.wsUrl}/chat/${token}`);
  await gateway.logged('session_started');
  if (code === 3001) clock.pass(60_000);
  await provoke?.(gateway);
  const ended = await gateway.logged('session_ended', 10_000);
  assert.equal(ended['code'], code);
  const isBack = (): boolean => visits(gateway) > 1;
  const again = await until('a visit', isBack, PATIENCE_MS[expected]).catch(() => false);
  await stop();
  await gateway.gateway.stop();
  return again ? 'again' : 'stops';
}

describe('A library that reconnects', () => {
  const codes = [3001, 3003, 4500, 1012];
  for (const [library, start] of Object.entries(libraries)) {
    it(`does what the page says of it: ${library}`, async () => {
      const row = page.split('\n').find((line) => line.startsWith(`| ${library} |`)) ?? '';
      const expected = row.match(/again|stops/g)?.map((word) => word === 'again') ?? [];
      const found = await Promise.all(
        codes.map((code, n) => comesAgain(start, code, expected[n] ? 'again' : 'stops')),
      );
      assert.equal(row, `| ${[library, ...found].join(' | ')} |`);
    });
  }

  it('is there for each row of the page', () => {
    const rows = page.matchAll(/^\| ([^|]+) \| (?:again|stops) \|/gm);
    assert.deepEqual(
      [...rows].map(([, name]) => name),
      Object.keys(libraries),
    );
  });
});

describe('The lines of the page', () => {
  type Connect = (getUrl: () => Promise<string>, onMessage: (data: string) => void) => void;

  it('come back after 3001 with a new token, and not after 4500', async () => {
    const connect: Connect = evaluated('connect');
    const clock = new JumpingClock();
    const gateway = await startGateway(scope, { hooks: { clock } });
    const { wsUrl, query, channel, events } = gateway;
    const messages: string[] = [];
    let tokens = 0;
    const getUrl = async (): Promise<string> => {
      tokens += 1;
      const exp = clock.inSeconds(tokens === 1 ? 60 : 600);
      return `${wsUrl}/${await signToken({ mode: 'r', channel: 'chat', sub: 'ada', exp })}`;
    };
    connect(getUrl, (data) => void messages.push(data));
    const count = (name: string): number => events.filter(({ event }) => event === name).length;
    await until('the first session', () => count('session_started') === 1);
    clock.pass(60_000);
    await until('the second session', () => count('session_started') === 2 || undefined);
    await query('SELECT pg_notify($1, $2)', [channel, '{"channel":"chat","payload":"x"}']);
    await until('a message', () => messages.length > 0 || undefined);

    await query(`SELECT postern.revoke(sub => 'ada')`);
    await until('its end', () => count('session_ended') === 2 || undefined);
    await assert.rejects(until('another token', () => tokens > 2 || undefined, 1_500));
    assert.equal(count('handshake_refused'), 0);
  });
});

/** What a block of code on the page defines, where `WebSocket` is that of `ws`. */
function evaluated<Value>(name: string): Value {
  const blocks = [...page.matchAll(/```js\n([^]*?)```/g)].map(([, code = '']) => code);
  const code = blocks.find((block) => block.includes(name)) ?? assert.fail(`no ${name}`);
  // oxlint-disable-next-line typescript/no-implied-eval -- a page's code is to be run as it stands
  return new Function('WebSocket', `${code}; return ${name};`)(WebSocket);
}
