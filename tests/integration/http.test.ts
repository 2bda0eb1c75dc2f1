import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { loadConfig } from '#gateway/config/load.js';
import { createStandalone } from '#gateway/standalone.js';

import { heard } from '../support/evidence.ts';
import { exchange, handshake, request } from '../support/exchange.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { SECRET, signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';

const scope = failOnLeaks();

describe('/healthz', () => {
  it('says ok, also to HEAD and with a query', async () => {
    const { port } = await startGateway(scope);
    const { status, body, headers } = await request(port, { target: '/healthz?x=1' });
    assert.deepEqual([status, body], [200, 'ok\n']);
    assert.equal(headers.get('cache-control'), 'no-store');
    const head = await request(port, { method: 'HEAD', target: '/healthz' });
    assert.deepEqual([head.status, head.body], [200, '']);
  });
});

describe('/readyz', () => {
  const ready = { database: 'up', draining: false } as const;

  it('is 200 when clients are let in', async () => {
    const { port } = await startGateway(scope);
    const { status, body, headers } = await request(port, { target: '/readyz' });
    assert.deepEqual([status, JSON.parse(body)], [200, ready]);
    assert.equal(headers.get('content-type'), 'application/json');
    assert.equal(headers.get('cache-control'), 'no-store');
  });

  it('is 503 before PostgreSQL was reached, as upgrades are, while /healthz is fine', async () => {
    const { options } = loadConfig({
      environment: {
        POSTERN_DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nowhere',
        POSTERN_HOST: '127.0.0.1',
        POSTERN_PORT: '0',
        POSTERN_JWT_SECRET: SECRET,
        POSTERN_URL_TOKENS: 'true',
      },
    });
    const gateway = createStandalone({ ...options, log: heard() });
    const start = assert.rejects(gateway.start(), { name: 'AbortError' });
    scope.after(() => gateway.stop().then(() => start));
    const { port } = await until('the open port', () => gateway.address);

    const { status, body } = await request(port, { target: '/readyz' });
    assert.deepEqual([status, JSON.parse(body)], [503, { ...ready, database: 'down' }]);
    const refusal = await handshake(port, { target: `/${await signToken({ mode: 'r' })}` });
    assert.deepEqual([refusal.status, refusal.body], [503, 'Backend unavailable']);
    assert.equal((await request(port, { target: '/healthz' })).status, 200);
  });

  it('is 503 while clients are sent away, as upgrades are', async () => {
    const { gateway, port, client } = await startGateway(scope, {
      environment: { POSTERN_DRAIN_SECONDS: '1' },
    });
    const clients = await Promise.all(
      Array.from({ length: 100 }, () => client({ mode: 'r', channel: 'chat', exp: 2e9 })),
    );
    const stopped = gateway.stop();
    const { status, body } = await request(port, { target: '/readyz' });
    assert.deepEqual([status, JSON.parse(body)], [503, { ...ready, draining: true }]);
    const refusal = await handshake(port, { target: `/${await signToken({ mode: 'r' })}` });
    assert.deepEqual([refusal.status, refusal.body], [503, 'Going away']);

    await stopped;
    for (const one of clients) assert.equal((await one.closed()).code, 1001);
  });
});

describe('A plain request', () => {
  it('by another method than GET and HEAD is 405 everywhere', async () => {
    const { port } = await startGateway(scope);
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE'])
      for (const target of ['/', '/healthz', '/nowhere']) {
        const { status, headers } = await request(port, { method, target });
        assert.deepEqual([status, headers.get('allow')], [405, 'GET, HEAD'], method);
      }
  });

  it('for what is not there is 404, and does not say for what', async () => {
    const { port } = await startGateway(scope);
    for (const target of ['/', '/ws', '/preauth/', '/sse/', '/nowhere', '/healthz/', '//healthz']) {
      const { status, body } = await request(port, { target });
      assert.deepEqual([status, body], [404, 'Not found\n'], target);
    }
  });

  it('with headers over 16 KiB is 431', async () => {
    const { port } = await startGateway(scope);
    const padding = (bytes: number): string => `X-Padding: ${'x'.repeat(bytes)}`;
    assert.equal((await request(port, { lines: [padding(15_000)] })).status, 404);
    assert.equal((await request(port, { lines: [padding(17_000)] })).status, 431);
    assert.equal((await handshake(port, { lines: [padding(17_000)] })).status, 431);
    assert.equal((await request(port, { target: `/${'x'.repeat(17_000)}` })).status, 431);
  });

  it('that is none is 400', async () => {
    const { port } = await startGateway(scope);
    for (const bytes of [
      '\r\n\r\nhello\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      'GET /\0 HTTP/1.1\r\n\r\n',
    ])
      assert.equal((await exchange(port, bytes)).status, 400, JSON.stringify(bytes));
  });
});

describe('A plain request that offers another protocol', () => {
  const offer = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'];
  const ask = (target: string, method = 'GET', lines: readonly string[] = []): string =>
    [`${method} ${target} HTTP/1.1`, 'Host: localhost', ...offer, ...lines, '', ''].join('\r\n');

  it('is answered as if it did not, whole, and the connection closed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'postern-static-'));
    scope.after(() => rm(folder, { recursive: true }));
    const long = 'x'.repeat(20_000_000);
    await writeFile(join(folder, 'long.txt'), long);
    const environment = { POSTERN_STATIC_ROOT: folder };
    const { port } = await startGateway(scope, { environment });

    const { status, body, headers } = await exchange(port, ask('/healthz'));
    assert.deepEqual([status, body, headers.get('connection')], [200, 'ok\n', 'close']);
    assert.equal((await exchange(port, ask('/healthz', 'HEAD'))).body, '');
    assert.equal((await exchange(port, ask('/healthz', 'POST'))).status, 405);
    assert.ok((await exchange(port, ask('/long.txt'))).body === long, 'It came in parts only');
  });

  it('is refused with a body, without Host, or with anything of a WebSocket', async () => {
    const { port } = await startGateway(scope);
    const bodied = ask('/healthz', 'GET', ['Content-Length: 2']);
    assert.equal((await exchange(port, `${bodied}hi`)).status, 400);
    assert.equal((await exchange(port, ask('/healthz').replace('Host', 'X-Host'))).status, 400);
    for (const line of ['Upgrade: websocket', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='])
      assert.equal((await exchange(port, ask('/healthz', 'GET', [line]))).status, 400, line);
  });

  it('harms nobody behind another on the same connection', async () => {
    const { port } = await startGateway(scope);
    const plain = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';
    assert.equal((await exchange(port, `${plain}${ask('/healthz')}`)).status, 200);
    assert.equal((await request(port, { target: '/healthz' })).status, 200);
  });
});

describe('A handshake with a malformed list of subprotocols', () => {
  it('is refused in plain text, and that is logged', async () => {
    const { port, events } = await startGateway(scope);
    const lists = ['', 'a,,b', 'a b', ',a', 'a,', 'a, b, a', 'a;b', 'a,\xa0b', '"a"'];
    for (const list of lists) {
      const { status, body, headers } = await handshake(port, {
        target: `/${await signToken({ mode: 'r', channel: 'chat', exp: 2e9 })}`,
        headers: { 'Sec-WebSocket-Protocol': list },
      });
      const text = 'Bad handshake: Sec-WebSocket-Protocol is malformed';
      assert.deepEqual([list, status, body], [list, 400, text]);
      assert.equal(headers.get('content-type'), 'text/plain; charset=utf-8');
    }
    const refused = events.filter(({ event }) => event === 'handshake_refused');
    assert.equal(refused.length, lists.length);
  });
});
