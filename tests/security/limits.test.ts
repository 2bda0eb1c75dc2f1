import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { exchange, handshake, request } from '../support/exchange.ts';
import type { Answer } from '../support/exchange.ts';
import { startGateway } from '../support/gateway.ts';
import type { TestGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { WsClient } from '../support/ws-client.ts';

const CHAT = { mode: 'rw', channel: 'chat', exp: inSeconds(600) } as const;

const scope = failOnLeaks();

const start = (environment: Readonly<Record<string, string | undefined>>): Promise<TestGateway> =>
  startGateway(scope, { environment: { POSTERN_TRUSTED_PROXIES: '127.0.0.0/8', ...environment } });

/** Knocks through a trusted proxy that says it is for `address`; the header may hold more before it. */
async function knock(
  { port }: TestGateway,
  address: string,
  claims: object = CHAT,
): Promise<Answer> {
  const target = `/${await signToken({ ...claims })}`;
  return await handshake(port, { target, lines: [`X-Forwarded-For: ${address}`] });
}

async function connect(
  { wsUrl }: TestGateway,
  address: string,
  claims: object = CHAT,
): Promise<WsClient> {
  const headers = { 'X-Forwarded-For': address };
  return await WsClient.connect(`${wsUrl}/${await signToken({ ...claims })}`, { headers });
}

/** What is let in after a close takes a moment to be counted out. */
const entersAgain = (
  gateway: TestGateway,
  address: string,
  claims: object = CHAT,
): Promise<number> =>
  until('a place that was given back', async () => {
    const { status } = await knock(gateway, address, claims);
    return status === 101 ? status : undefined;
  });

describe('A thousand handshakes from one address', () => {
  it('are refused with 429 but for the first, in a line or so of the log, while another is served', async () => {
    const gateway = await start({ POSTERN_HANDSHAKES_PER_ADDRESS: '0.001' });
    const attack = async (): Promise<number[]> => {
      const statuses: number[] = [];
      for (let n = 0; n < 1_000; n++)
        statuses.push((await knock(gateway, `10.1.1.${n % 256}, 203.0.113.6`)).status);
      return statuses;
    };
    const [statuses, honest] = await Promise.all([attack(), connect(gateway, '203.0.113.7')]);
    honest.send('still here');
    assert.match(await honest.message(), /still here/);

    assert.deepEqual([statuses[0], new Set(statuses.slice(1))], [101, new Set([429])]);
    const lines = gateway.events.filter(({ event }) => event === 'handshake_refused');
    assert.ok(lines.length < 120, `${lines.length} lines`);
    assert.equal(lines[0]?.fields['address'], '203.0.113.6');
    assert.equal((await knock(gateway, '203.0.113.6')).headers.get('retry-after'), '1');
  });

  it('are let in twenty at once and twenty a second when nothing is said', async () => {
    let nowMs = 0;
    const clock = { wallMs: () => Date.now(), monotonicMs: () => nowMs };
    const gateway = await startGateway(scope, {
      environment: { POSTERN_HANDSHAKES_PER_ADDRESS: undefined },
      hooks: { clock },
    });
    const target = `/${await signToken({ ...CHAT })}`;
    const entered = async (): Promise<number> => {
      const knocks = Array.from({ length: 25 }, () => handshake(gateway.port, { target }));
      return (await Promise.all(knocks)).filter(({ status }) => status === 101).length;
    };
    assert.deepEqual([await entered(), await entered()], [20, 0]);
    nowMs = 500;
    assert.equal(await entered(), 10);
  });

  it('are as good as any where they come from an unlisted proxy: the header is ignored, and that is said', async () => {
    const gateway = await start({
      POSTERN_TRUSTED_PROXIES: '',
      POSTERN_HANDSHAKES_PER_ADDRESS: '0.001',
    });
    assert.equal((await knock(gateway, '203.0.113.6')).status, 101);
    assert.equal((await knock(gateway, '203.0.113.7')).status, 429);
    const warnings = gateway.events.filter(({ event }) => event === 'proxy_untrusted');
    assert.deepEqual(
      warnings.map(({ fields }) => fields),
      [{ peer: '127.0.0.1', option: 'POSTERN_TRUSTED_PROXIES' }],
    );
  });
});

describe('Connections of one address', () => {
  it('are limited, an IPv6 network counts as one, and a place is given back', async () => {
    const gateway = await start({ POSTERN_CONNECTIONS_PER_ADDRESS: '2' });
    const clients = [await connect(gateway, '2001:db8::1'), await connect(gateway, '2001:db8::2')];
    const refused = await knock(gateway, '2001:db8::ffff:3');
    assert.deepEqual([refused.status, refused.body], [429, 'Connection limit: of this address']);
    assert.equal((await knock(gateway, '2001:db8:0:1::1')).status, 101);
    await clients[0]?.close();
    assert.equal(await entersAgain(gateway, '2001:db8::4'), 101);
    await clients[1]?.close();
  });

  it('are not used up by handshakes that are refused, for whatever reason', async () => {
    const gateway = await start({ POSTERN_CONNECTIONS_PER_ADDRESS: '1', POSTERN_CONNECTIONS: '1' });
    for (let n = 0; n < 50; n++)
      await until(
        '400, once the refused one before is gone',
        async () => (await knock(gateway, '203.0.113.6', { mode: 'x' })).status === 400,
      );
    assert.equal(await entersAgain(gateway, '203.0.113.6'), 101);
  });
});

describe('Connections of one user', () => {
  it('never exceed the limit, however many knock at once, from wherever', async () => {
    const gateway = await start({ POSTERN_CONNECTIONS_PER_USER: '5' });
    const ada = { ...CHAT, sub: 'ada' };
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, n) => connect(gateway, `203.0.113.${n}`, ada)),
    );
    const clients = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    assert.equal(clients.length, 5);
    const refused = await knock(gateway, '203.0.113.6', ada);
    assert.deepEqual([refused.status, refused.body], [429, 'Connection limit: of this user']);
    assert.equal((await knock(gateway, '203.0.113.6', { ...CHAT, sub: 'bob' })).status, 101);

    await clients[0]?.close();
    assert.equal(await entersAgain(gateway, '203.0.113.6', ada), 101);
    for (const client of clients) client.terminate();
  });
});

describe('Connections in all', () => {
  it('are limited with 503', async () => {
    const gateway = await start({ POSTERN_CONNECTIONS: '1' });
    const client = await connect(gateway, '203.0.113.6');
    const refused = await knock(gateway, '203.0.113.7');
    assert.deepEqual([refused.status, refused.body], [503, 'Try again later']);
    await client.close();
    assert.equal(await entersAgain(gateway, '203.0.113.7'), 101);
  });
});

describe('A Host that is not allowed', () => {
  const at = (host: string) => ({ headers: { Host: host } });

  it('is 421 for handshakes and files on loopback, and not for probes', async () => {
    const { port } = await start({});
    const target = `/${await signToken({ ...CHAT })}`;
    assert.equal((await handshake(port, { target, ...at('evil.test') })).status, 421);
    assert.equal((await handshake(port, { target, ...at('localhost:1') })).status, 101);
    const bytes = (path: string, host: string) =>
      exchange(port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    assert.equal((await bytes('/index.html', 'evil.test')).status, 421);
    assert.equal((await bytes('/index.html', 'localhost')).status, 404);
    assert.equal((await bytes('/healthz', 'evil.test')).status, 200);
    assert.equal((await bytes('/readyz', 'evil.test')).status, 200);
  });

  it('is one that is not listed', async () => {
    const { port } = await start({ POSTERN_ALLOWED_HOSTS: 'ws.test' });
    const target = `/${await signToken({ ...CHAT })}`;
    assert.equal((await handshake(port, { target, ...at('WS.test.:8443') })).status, 101);
    assert.equal((await handshake(port, { target, ...at('other.test') })).status, 421);
    assert.equal((await handshake(port, { target, ...at('') })).status, 421);
    assert.equal((await request(port, { target: '/healthz' })).status, 200);
  });
});
