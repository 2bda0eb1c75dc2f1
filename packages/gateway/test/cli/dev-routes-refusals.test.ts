import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';
import { assertRefused, startRoutes } from './dev-routes-server.ts';
import type { RoutesServer } from './dev-routes-server.ts';

const json = { 'content-type': 'application/json' };
const place = { host: '127.0.0.1', method: 'POST', path: '/dev/token', headers: json };

describe('The guards of the routes of postern dev', () => {
  let routes: RoutesServer;

  before(async () => {
    routes = await startRoutes({});
  });
  after(() => routes.stop());
  afterEach(() => assert.deepEqual(routes.bugs.splice(0), [], 'only an expected bug is reported'));

  it('answer to loopback names with any port', async () => {
    for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1:3000', '[::1]', '[::1]:65535'])
      assert.equal((await routes.get('/dev/info', { host })).status, 200, host);
  });

  it('refuse every other name, which a foreign page may have pointed here', async () => {
    for (const host of [
      'evil.test',
      'localhost.evil.test',
      'evil.test:3000',
      '127.0.0.1.evil.test',
      'localhost:3000@evil.test',
      '127.0.0.2',
      '0.0.0.0:3000',
      'localhost:',
      'localhost:123456',
    ]) {
      assertRefused(await routes.get('/dev/info', { host }), 421, 'host_denied');
      assertRefused(await routes.post('/dev/token', '{}', { ...json, host }), 421, 'host_denied');
    }
  });

  it('refuse an HTTP/1.0 request that names no host', async () => {
    const socket = connect(routes.port, '127.0.0.1');
    socket.end('GET /dev/info HTTP/1.0\r\n\r\n');
    let text = '';
    for await (const chunk of socket.setEncoding('utf8')) text += String(chunk);

    assert.match(text, /^HTTP\/1\.1 421 /);
  });

  it('refuse another origin than the page’s own', async () => {
    const host = 'localhost:3000';
    for (const origin of [
      'http://evil.test',
      'http://localhost:3001',
      'http://localhost',
      'http://127.0.0.1:3000',
      'http://localhost:3000.evil.test',
      'null',
      '',
    ]) {
      const headers = { ...json, host, origin };
      assertRefused(await routes.post('/dev/token', '{}', headers), 403, 'origin_denied');
      assertRefused(await routes.post('/dev/explain', '{}', headers), 403, 'origin_denied');
      assertRefused(await routes.get('/dev/info', { host, origin }), 403, 'origin_denied');
    }
  });

  it('take the page’s own origin, and none at all', async () => {
    const host = 'localhost:3000';
    for (const origin of ['http://localhost:3000', 'https://localhost:3000', undefined]) {
      const headers = origin === undefined ? { ...json, host } : { ...json, host, origin };
      assert.equal((await routes.post('/dev/token', '{}', headers)).status, 200, origin);
    }
  });

  it('refuse other methods and name the right one', async () => {
    const got = await routes.get('/dev/token');
    assertRefused(got, 405, 'method_not_allowed');
    assert.equal(got.headers.allow, 'POST');

    const posted = await routes.post('/dev/info', '{}');
    assertRefused(posted, 405, 'method_not_allowed');
    assert.equal(posted.headers.allow, 'GET');

    const asked = await routes.options('/dev/token');
    assertRefused(asked, 405, 'method_not_allowed');
  });

  it('refuse types that a form of a foreign page could send', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'text/plain; application/json',
      'application/jsonp',
      '',
    ]) {
      const answer = await routes.post('/dev/token', '{}', { 'content-type': type });
      assertRefused(answer, 415, 'unsupported_media_type');
    }
    assertRefused(await routes.post('/dev/token', '{}', {}), 415, 'unsupported_media_type');

    const typed = await routes.post('/dev/token', '{}', {
      'content-type': 'Application/JSON; charset=x',
    });
    assert.equal(typed.status, 200);
  });

  it('refuse what is no JSON object', async () => {
    for (const body of ['', 'x', '[]', 'null', '"text"', '1', '{', '\u0000']) {
      assertRefused(await routes.post('/dev/token', body), 400, 'malformed');
      assertRefused(await routes.post('/dev/explain', body), 400, 'malformed');
    }
  });

  it('refuse a question without a token, or with a channel that is no text', async () => {
    for (const question of [{}, { token: 1 }, { token: 'x', channel: 1 }, { channel: 'chat' }])
      assertRefused(await routes.post('/dev/explain', JSON.stringify(question)), 400, 'malformed');
  });

  it('read 16 KiB and not a byte more, whatever the length is said to be', async () => {
    const filled = (bytes: number) => `{"a":"${'x'.repeat(bytes - 8)}"}`;

    assert.equal((await routes.post('/dev/token', filled(16_384))).status, 200);
    for (const headers of [json, { ...json, 'transfer-encoding': 'chunked' }]) {
      const answer = await routes.post('/dev/token', filled(16_385), headers);
      assertRefused(answer, 413, 'too_big');
    }
    assertRefused(await routes.post('/dev/explain', filled(16_385)), 413, 'too_big');
  });

  it('refuse a body that is too long before its end has come, and hang up on the rest', async () => {
    for (const path of ['/dev/token', '/dev/explain']) {
      const request = httpRequest({ ...place, path, port: routes.port });
      request.on('error', () => {
        // The server hangs up on what is still to be sent: the answer below is what counts.
      });
      request.write('x'.repeat(20_000));
      const [response] = await once(request, 'response', { signal: AbortSignal.timeout(5000) });

      assert.equal(response.statusCode, 413);
      assert.equal(response.headers.connection, 'close');
      request.destroy();
    }
  });

  it('report no bug when a client leaves in the middle of its body', async () => {
    const arrived = once(routes.server, 'request');
    const request = httpRequest({ ...place, port: routes.port });
    request.on('error', () => {
      // Destroying it is the point.
    });
    request.write('{');
    const [incoming] = await arrived;
    // Not `once`, which rejects for the error that comes before.
    const gone = new Promise((resolve) => incoming.on('close', resolve));
    request.destroy();
    await gone;
    await new Promise((resolve) => setImmediate(resolve));
  });
});
