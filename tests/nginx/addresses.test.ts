import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { handshake } from '../support/exchange.ts';
import { startGateway } from '../support/gateway.ts';
import type { TestGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { startNginx } from '../support/nginx.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { WsClient } from '../support/ws-client.ts';

/** As the page on operating says. */
const TRUSTING = { POSTERN_TRUSTED_PROXIES: '127.0.0.1' } as const;
/** One handshake, and for a long time no other. */
const ONE_KNOCK = { POSTERN_HANDSHAKES_PER_ADDRESS: '0.001' } as const;

const ANN = '203.0.113.6';
const BOB = '203.0.113.7';

interface Proxied {
  readonly gateway: TestGateway;
  /** Sends a handshake by way of nginx, and returns the status of the answer. */
  knock(forwardedFor: string, path?: string): Promise<number>;
  /** The URL that nginx passes on. */
  readonly url: string;
}

const scope = failOnLeaks();

const newPath = async (): Promise<string> =>
  `/${await signToken({ mode: 'rw', channel: 'chat', exp: inSeconds(60) })}`;

/** A gateway behind nginx. nginx adds 127.0.0.1, where the tests are, to what a client says it is. */
async function start(environment: Readonly<Record<string, string>>): Promise<Proxied> {
  const gateway = await startGateway(scope, {
    environment: { POSTERN_POOL_SIZE: '1', ...environment },
  });
  const { port } = await startNginx(scope, gateway.port);
  return {
    gateway,
    knock: async (forwardedFor, path) => {
      const lines = [`X-Forwarded-For: ${forwardedFor}`];
      return (await handshake(port, { target: path ?? (await newPath()), lines })).status;
    },
    url: `ws://127.0.0.1:${port}`,
  };
}

const addresses = ({ events }: TestGateway, event: string): readonly unknown[] =>
  events.filter((logged) => logged.event === event).map(({ fields }) => fields['address']);

const warnings = ({ events }: TestGateway): readonly unknown[] =>
  events.filter(({ event }) => event === 'proxy_untrusted').map(({ fields }) => fields['peer']);

describe('Behind an nginx that is trusted', () => {
  it('the log has the client’s address: the last one that is no proxy’s', async () => {
    const { gateway, knock } = await start(TRUSTING);
    assert.equal(await knock(ANN), 101);
    assert.equal(await knock(`${ANN}, ${BOB}`), 101);
    assert.equal(await knock(`${ANN}, 127.0.0.1, ${BOB}`, '/chat/token'), 400);
    assert.deepEqual(addresses(gateway, 'session_started'), [ANN, BOB]);
    assert.deepEqual(addresses(gateway, 'handshake_refused'), [BOB]);
    assert.deepEqual(warnings(gateway), []);
  });

  it('whoever knocks too often gets 429, whatever else is claimed, and nobody else does', async () => {
    const { gateway, knock } = await start({ ...TRUSTING, ...ONE_KNOCK });
    assert.equal(await knock(ANN), 101);
    assert.equal(await knock(ANN), 429);
    assert.equal(await knock(`198.51.100.1, ${ANN}`), 429);
    assert.equal(await knock(`${BOB}, ${ANN}`), 429);
    assert.equal(await knock(BOB), 101);
    assert.equal(addresses(gateway, 'handshake_refused')[0], ANN);
  });

  it('whoever has too many connections gets 429, and nobody else does', async () => {
    const { knock, url } = await start({ ...TRUSTING, POSTERN_CONNECTIONS_PER_ADDRESS: '1' });
    const headers = { 'X-Forwarded-For': ANN };
    const client = await WsClient.connect(`${url}${await newPath()}`, { headers });
    scope.after(() => Promise.resolve(client.terminate()));
    assert.equal(await knock(`198.51.100.1, ${ANN}`), 429);
    assert.equal(await knock(BOB), 101);
  });
});

describe('What a client claims to be, behind an nginx that is trusted,', () => {
  const isLinux = process.platform === 'linux';
  const skip = isLinux ? false : 'only Linux has all of 127.0.0.0/8 to connect from';

  it('counts for nothing: nginx says where it connects from', { skip }, async () => {
    const { gateway, url } = await start({ ...TRUSTING, ...ONE_KNOCK });
    const enter = async (localAddress: string, forwardedFor: string): Promise<void> => {
      const headers = { 'X-Forwarded-For': forwardedFor };
      const options = { headers, localAddress };
      const client = await WsClient.connect(`${url}${await newPath()}`, options);
      scope.after(() => Promise.resolve(client.terminate()));
    };
    await enter('127.0.0.2', ANN);
    await enter('127.0.0.3', ANN);
    await assert.rejects(enter('127.0.0.2', BOB), /429/);
    assert.deepEqual(addresses(gateway, 'session_started'), ['127.0.0.2', '127.0.0.3']);
  });
});

describe('Behind an nginx that is not trusted', () => {
  it('all count as one address, nginx’s, and one warning names it', async () => {
    const { gateway, knock } = await start(ONE_KNOCK);
    assert.equal(await knock(ANN), 101);
    for (const another of [BOB, '198.51.100.1', '2001:db8::1'])
      assert.equal(await knock(another), 429, another);
    assert.deepEqual(addresses(gateway, 'session_started'), ['127.0.0.1']);
    assert.deepEqual(warnings(gateway), ['127.0.0.1']);
  });
});
