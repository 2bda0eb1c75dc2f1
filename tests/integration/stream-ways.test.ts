import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { killListener } from '../support/failure-causes.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { APP, codeOf, FRAME, SITE_CLAIMS, startPreauth } from '../support/preauth.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { refusedStream, StreamClient } from '../support/stream-client.ts';
import { BEARER } from '../support/streams.ts';
import { signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { embedTickets, tickets } from '../support/way-in.ts';

const scope = failOnLeaks();
const open = (port: number, options: Parameters<typeof StreamClient.open>[2] = {}) =>
  StreamClient.open(scope, port, { bearer: BEARER, ...options });

describe('The way to a stream', () => {
  it('is by the cookie and the CSRF token of a preauthentication, or by an embed token', async () => {
    const { port } = await startPreauth(scope);
    const { cookie, token: csrf } = await tickets(port);
    const stream = await StreamClient.open(scope, port, { cookie, csrf });
    assert.equal((await stream.said('welcome'))['user'], 'ada');

    const { token: embed } = await embedTickets(port);
    const framed = await StreamClient.open(scope, port, { embed, origin: FRAME });
    assert.equal((await framed.said('welcome'))['user'], 'ada');
    assert.equal(framed.headers['access-control-allow-origin'], FRAME);
    assert.equal(framed.headers['access-control-allow-credentials'], undefined);
    const again = await refusedStream(port, { embed, origin: FRAME });
    assert.deepEqual([again.status, codeOf(again)], [401, 'csrf_replayed']);
  });

  it('opens once where tokens count once', async () => {
    const { port } = await startPreauth(scope, { POSTERN_SINGLE_USE: 'true' });
    const { cookie, token: csrf } = await tickets(port);
    const twice = await refusedStream(port, { cookie, csrf, channels: ['news'] });
    assert.deepEqual([twice.status, codeOf(twice)], [403, 'scope_denied']);
    // What was refused has used nothing up.
    await StreamClient.open(scope, port, { cookie, csrf });
    const replayed = await refusedStream(port, { cookie, csrf });
    assert.deepEqual([replayed.status, codeOf(replayed)], [401, 'csrf_replayed']);
  });

  it('is open to what the program says yes to', async () => {
    const asked: unknown[] = [];
    const { port } = await startPreauth(
      scope,
      {},
      {
        authorize: ({ claims, request }) => {
          asked.push([claims['sub'], request.url?.startsWith('/sse?')]);
          return claims['sub'] !== 'bob';
        },
      },
    );
    await open(port);
    const bob = await signToken({ ...SITE_CLAIMS, sub: 'bob' });
    const answer = await refusedStream(port, { bearer: bob });
    assert.deepEqual([answer.status, codeOf(answer)], [403, 'forbidden']);
    assert.deepEqual(asked, [
      ['ada', true],
      ['bob', true],
    ]);
  });

  it('gives the place of an address and of a user back when the stream ends', async () => {
    const { port } = await startPreauth(scope, {
      POSTERN_CONNECTIONS_PER_ADDRESS: '2',
      POSTERN_CONNECTIONS_PER_USER: '1',
    });
    const limited = async (): Promise<readonly unknown[]> => {
      const answer = await refusedStream(port, { bearer: BEARER });
      return [answer.status, codeOf(answer), JSON.parse(answer.body).detail];
    };
    for (let round = 0; round < 3; round += 1) {
      const stream = await until('a place', () => open(port).catch(() => undefined));
      assert.deepEqual(await limited(), [
        429,
        'connection_limit',
        'Connection limit: of this user',
      ]);
      const bob = await signToken({ ...SITE_CLAIMS, sub: 'bob' });
      const other = await until('a place', () =>
        open(port, { bearer: bob }).catch(() => undefined),
      );
      assert.deepEqual(await limited(), [
        429,
        'connection_limit',
        'Connection limit: of this address',
      ]);
      other.leave();
      stream.leave();
    }
  });

  it('takes no place for longer than its refusal, though the connection goes on', async () => {
    const { port } = await startPreauth(scope, { POSTERN_CONNECTIONS_PER_ADDRESS: '1' });
    const socket = await RawSocket.connect(port);
    scope.after(() => Promise.resolve(socket.destroy()));
    for (let count = 0; count < 3; count += 1) {
      socket.write('GET /sse?channel=chat HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
      const { status, headers } = await socket.responseHead();
      assert.equal(status, 401);
      await socket.bytes(Number(headers.get('content-length')));
    }
    await (await open(port)).said('welcome');
  });

  it('is shut to whom the program has thought about for too long', async () => {
    const gateway = await startPreauth(
      scope,
      { POSTERN_ON_LISTENER_LOSS: 'exit' },
      {
        authorize: async () => {
          await killListener(gateway.query);
          await gateway.logged('listener_lost');
          return true;
        },
      },
    );
    const answer = await refusedStream(gateway.port, { bearer: BEARER });
    assert.deepEqual([answer.status, codeOf(answer)], [503, 'unavailable']);
    assert.ok(!gateway.events.some(({ event }) => event === 'session_started'));
  });

  it('is shut while the gateway hears nothing of PostgreSQL', async () => {
    const gateway = await startPreauth(scope, { POSTERN_ON_LISTENER_LOSS: 'exit' });
    await killListener(gateway.query);
    await gateway.logged('listener_lost');
    const answer = await refusedStream(gateway.port, { bearer: BEARER });
    assert.deepEqual([answer.status, codeOf(answer)], [503, 'unavailable']);
  });

  it('is GET, and OPTIONS for a browser that asks first', async () => {
    const gateway = await startPreauth(scope);
    for (const method of ['HEAD', 'POST', 'PUT', 'DELETE', 'TRACE']) {
      const answer = await refusedStream(gateway.port, { bearer: BEARER, method });
      assert.deepEqual([answer.status, answer.headers.get('allow')], [405, 'GET, OPTIONS'], method);
    }
    const asked = await refusedStream(gateway.port, { method: 'OPTIONS' });
    assert.deepEqual(
      ['origin', 'credentials', 'methods', 'headers'].map((name) =>
        asked.headers.get(`access-control-allow-${name}`),
      ),
      [APP, 'true', 'GET', 'Authorization, Last-Event-ID'],
    );
    assert.equal(asked.status, 204);
    const foreign = await refusedStream(gateway.port, {
      method: 'OPTIONS',
      origin: 'https://evil.test',
    });
    assert.deepEqual([foreign.status, codeOf(foreign)], [403, 'origin_denied']);
    assert.equal(foreign.headers.has('access-control-allow-origin'), false);
  });
});
