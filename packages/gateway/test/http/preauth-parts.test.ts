import assert from 'node:assert/strict';
import { ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { failures } from '@postern/client/protocol';
import { BasePath } from '#gateway/http/base-path.js';
import { inTime } from '#gateway/http/in-time.js';
import { loginOf } from '#gateway/http/preauth-login.js';
import { answerProblem } from '#gateway/http/problem.js';
import { createSocketUrl } from '#gateway/http/socket-url.js';
import { createTransportCheck } from '#gateway/http/transport.js';
import { posted, requestFrom } from './requests.ts';

describe('A problem', () => {
  const told = (refusal: Parameters<typeof answerProblem>[1]) => {
    const response = new ServerResponse(posted([]));
    const parts: string[] = [];
    const socket = new Socket();
    Object.assign(socket, { write: (part: string) => parts.push(part) });
    response.assignSocket(socket);
    answerProblem(response, refusal, { 'Access-Control-Allow-Origin': 'https://app.test' });
    const [head = '', body = ''] = parts.join('').split('\r\n\r\n');
    const problem: unknown = JSON.parse(body);
    return { head: head.split('\r\n'), problem };
  };

  it('is a row of the failure table and its usual code, and says it is no page', () => {
    const { head, problem } = told({ failure: failures.fetchDenied });
    assert.deepEqual(problem, {
      type: 'urn:postern:failure:fetch_denied',
      title: 'Request not allowed',
      status: 403,
      detail: failures.fetchDenied.advice,
      retry: 'no',
    });
    assert.equal(head[0], 'HTTP/1.1 403 Forbidden');
    for (const line of [
      'Content-Type: application/problem+json',
      'Cache-Control: no-store',
      'Vary: Origin',
      'X-Content-Type-Options: nosniff',
      'Referrer-Policy: no-referrer',
      'Access-Control-Allow-Origin: https://app.test',
    ])
      assert.ok(head.includes(line), line);
  });

  it('has the code, the text and the headers that a refusal has of its own', () => {
    const { head, problem } = told({
      failure: failures.forbidden,
      code: 'scope_denied',
      text: 'Nothing is left',
      headers: { 'Retry-After': '1' },
      claims: { sub: 'ada' },
    });
    assert.deepEqual(problem, {
      type: 'urn:postern:failure:scope_denied',
      title: 'Forbidden',
      status: 403,
      detail: 'Nothing is left',
      retry: 'no',
    });
    assert.ok(head.includes('Retry-After: 1'));
  });
});

describe('How a request came', () => {
  const how = (
    address: string,
    headers: Readonly<Record<string, string>> = {},
    development = false,
  ): string =>
    createTransportCheck({ trustedProxies: ['10.0.0.0/8'], development })(
      requestFrom(address, headers),
    );
  const https = { 'x-forwarded-proto': 'https' };

  it('is by TLS where a trusted proxy says so of all the way, and for nobody else', () => {
    assert.equal(how('10.1.2.3', https), 'tls');
    assert.equal(how('::ffff:10.1.2.3', https), 'tls');
    assert.equal(how('192.0.2.1', https), 'clear');
    assert.equal(how('10.1.2.3'), 'clear');
    assert.equal(how('10.1.2.3', { 'x-forwarded-proto': 'https, http' }), 'clear');
    assert.equal(how('10.1.2.3', { 'x-forwarded-proto': 'https,' }), 'clear');
    assert.equal(how('10.1.2.3', { forwarded: 'proto=https' }), 'clear');
  });

  it('is by TLS where the connection is', () => {
    const request = requestFrom('192.0.2.1');
    Object.assign(request.socket, { encrypted: true });
    const check = createTransportCheck({ trustedProxies: [], development: false });
    assert.equal(check(request), 'tls');
  });

  it('is from this very computer for development alone, and through no proxy on it', () => {
    for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) {
      assert.equal(how(address), 'clear', address);
      assert.equal(how(address, {}, true), 'loopback', address);
      assert.equal(how(address, { 'x-forwarded-for': '192.0.2.1' }, true), 'clear', address);
      assert.equal(how(address, { forwarded: 'for=192.0.2.1' }, true), 'clear', address);
    }
    assert.equal(how('192.0.2.1', {}, true), 'clear');
    assert.equal(how('10.1.2.3', https, true), 'tls');
  });
});

describe('The URL of the socket', () => {
  const urlBy = (publicUrl: string | undefined, basePath: string, transport: 'tls' | 'loopback') =>
    createSocketUrl({ publicUrl, basePath: new BasePath(basePath) })(
      requestFrom('192.0.2.1', { host: 'asked.test:81' }),
      transport,
    );

  it('is the host that was asked, below the base path', () => {
    assert.equal(urlBy(undefined, '/', 'tls'), 'wss://asked.test:81/ws');
    assert.equal(urlBy(undefined, '/a/b', 'tls'), 'wss://asked.test:81/a/b/ws');
    assert.equal(urlBy(undefined, '/', 'loopback'), 'ws://asked.test:81/ws');
  });

  it('is the public one where that is known, and its path stands for the base path', () => {
    assert.equal(urlBy('https://rt.test', '/', 'loopback'), 'wss://rt.test/ws');
    assert.equal(urlBy('https://rt.test/', '/postern', 'tls'), 'wss://rt.test/postern/ws');
    assert.equal(urlBy('https://rt.test/live', '/postern', 'tls'), 'wss://rt.test/live/ws');
    assert.equal(urlBy('https://rt.test/live/', '/postern', 'tls'), 'wss://rt.test/live/ws');
    assert.equal(urlBy('http://localhost:3000', '/', 'loopback'), 'ws://localhost:3000/ws');
  });
});

describe('A login', () => {
  const rules = { expLeeway: 10, maxConnectionAge: 100 };
  const claims = {
    iss: 'i',
    sub: 's',
    sid: 'x',
    jti: 'j',
    iat: 800,
    exp: 1_000,
    mode: 'r',
    channel: 'c',
    y: 1,
  };

  it('is what claims say of a user, without what they say beside', () => {
    assert.deepEqual(loginOf(claims, rules, 900), {
      iss: 'i',
      sub: 's',
      sid: 'x',
      scopes: { mode: 'r', channel: 'c' },
      ajti: 'j',
      authIssuedAt: 800,
      authExpiresAt: 1_010,
    });
    assert.deepEqual(loginOf({ sub: 's' }, rules, 900), {
      iss: '',
      sub: 's',
      sid: '',
      scopes: {},
      ajti: undefined,
      authIssuedAt: 0,
      authExpiresAt: 1_000,
    });
  });

  it('without an end and without a maximum age lasts as long as a token may', () => {
    const login = loginOf({ sub: 's' }, { ...rules, maxConnectionAge: 0 }, 900);
    assert.ok('authExpiresAt' in login && login.authExpiresAt === 900 + 315_576_000);
  });

  it('is over at its end, leeway included', () => {
    const over = { failure: failures.tokenExpired, code: 'auth_expired', claims };
    assert.ok('sub' in loginOf(claims, rules, 1_009.9));
    assert.deepEqual(loginOf(claims, rules, 1_010), over);
  });

  it('has a user, by name, and nothing that would have to be passed over', () => {
    for (const wrong of [
      { sub: undefined },
      { sub: '' },
      { sub: 1 },
      { iss: 1 },
      { sid: null },
      { jti: {} },
    ]) {
      const login = loginOf({ ...claims, ...wrong }, rules, 900);
      assert.ok('failure' in login && login.failure === failures.forbidden, JSON.stringify(wrong));
    }
    assert.ok('failure' in loginOf({ __proto__: { sub: 'inherited' } }, rules, 900));
  });
});

describe('An answer of a program', () => {
  it('is waited for, for so long', async (t) => {
    // The wait itself keeps no process alive, and here nothing else does.
    const alive = setInterval(() => undefined, 1_000);
    t.after(() => clearInterval(alive));
    assert.equal(await inTime(() => Promise.resolve(1)), 1);
    assert.equal(await inTime(() => 1), 1);
    await assert.rejects(
      inTime(() => new Promise(() => {}), 10),
      /no answer within 0.01 s/,
    );
    await assert.rejects(
      inTime(() => {
        throw new RangeError('out of order');
      }),
      RangeError,
    );
  });
});
