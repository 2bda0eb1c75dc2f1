import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { loadConfig } from '#gateway/config/load.js';
import { createGateway } from '#gateway/gateway.js';

import { exchange, handshake, request } from '../support/exchange.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { SECRET, signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';

/** Within these a client must have sent its request; the server looks once a second. */
const SLOW_MS = 10_000;
const LOOK_MS = 2_000;

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
    const gateway = createGateway(options, { log: () => {} });
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
    for (const target of ['/', '/ws', '/preauth', '/sse', '/nowhere', '/healthz/', '//healthz']) {
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

describe('A client that does not come to the point', () => {
  it('is cut off after ten seconds, and others are served meanwhile', async () => {
    const { port } = await startGateway(scope);
    const openings = [
      '',
      'GET',
      'GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n',
    ];
    const slow = await Promise.all(openings.map(() => RawSocket.connect(port)));
    scope.after(() => Promise.resolve(slow.forEach((socket) => socket.destroy())));
    slow.forEach((socket, index) => socket.write(openings[index] ?? ''));

    assert.equal((await request(port, { target: '/healthz' })).status, 200);
    const ends = slow.map((socket) => socket.ended(SLOW_MS + LOOK_MS));
    await Promise.all(ends);
  });
});
