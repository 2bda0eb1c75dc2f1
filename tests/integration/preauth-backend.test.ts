import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { describe, it } from 'node:test';

import type { TestGatewayOptions } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { bodyOf, preauth, refused, SITE_CLAIMS, startPreauth } from '../support/preauth.ts';
import { sayJson, startWithBackend } from '../support/preauth-backend.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { event } from '../support/wait.ts';

const scope = failOnLeaks();

const start = (
  environment?: TestGatewayOptions['environment'],
  hooks?: TestGatewayOptions['hooks'],
) => startPreauth(scope, environment, hooks);

const siteToken = (changes: object = {}) => signToken({ ...SITE_CLAIMS, ...changes });

describe('The backend at POSTERN_AUTH_URL', () => {
  it('alone says who the user is, by Authorization and cookies but ours', async () => {
    const claims = { sub: 'eve', mode: 'r', channel: 'chat', exp: inSeconds(60) };
    const { port, asked } = await startWithBackend(scope, (_, response) =>
      sayJson(response, claims),
    );
    const headers = {
      Authorization: 'Bearer whatever',
      Cookie: 'a=b; __Host-Http-postern=ours; postern-dev=ours; c="d e"',
    };
    const answer = await preauth(port, { headers, lines: ['Cookie: e=f', 'X-Other: x'] });

    assert.equal(answer.status, 200, answer.body);
    assert.equal(bodyOf(answer)['user'], 'eve');
    assert.equal(bodyOf(answer)['authExpiresAt'], claims.exp);
    const [{ method, headers: sent } = {}] = asked;
    assert.equal(method, 'GET');
    assert.equal(sent?.authorization, 'Bearer whatever');
    assert.equal(sent?.cookie, 'a=b; c="d e"; e=f');
    assert.deepEqual(Object.keys(sent ?? {}).toSorted(), [
      'accept',
      'accept-encoding',
      'authorization',
      'connection',
      'cookie',
      'host',
    ]);
    assert.equal(sent?.connection, 'close');
  });

  it('is not asked about nobody, and its no counts for a good token', async () => {
    const { port, asked } = await startWithBackend(scope, (_, response) =>
      response.writeHead(401).end('who?'),
    );
    const headers = { Authorization: undefined, Cookie: 'postern-dev=ours' };
    assert.equal(refused(await preauth(port, { headers })), '401 credential_missing');
    assert.equal(asked.length, 0);
    assert.equal(refused(await preauth(port)), '401 credential_missing');
    assert.equal(asked.length, 1);
  });

  it('bounds what its claims grant: no user, an end that is over, none', async () => {
    let claims: object = {};
    const { port } = await startWithBackend(scope, (_, response) => sayJson(response, claims));
    assert.equal(refused(await preauth(port)), '403 forbidden');
    claims = { ...SITE_CLAIMS, exp: inSeconds(-1) };
    assert.equal(refused(await preauth(port)), '401 auth_expired');
    claims = { ...SITE_CLAIMS, exp: undefined, iss: undefined };
    const { authExpiresAt } = bodyOf(await preauth(port));
    assert.ok(Math.abs(Number(authExpiresAt) - inSeconds(86_400)) < 10, String(authExpiresAt));
  });

  /** What a backend must not do, and what the log says of it. */
  const faults: Readonly<Record<string, { does: RequestListener; problem: RegExp }>> = {
    'says neither yes nor no': {
      does: (_, response) => response.writeHead(403).end(),
      problem: /^status 403$/,
    },
    'is broken': { does: (_, response) => response.writeHead(500).end(), problem: /^status 500$/ },
    redirects: {
      does: ({ url }, response) =>
        url === '/who'
          ? response.writeHead(302, { Location: '/elsewhere' }).end()
          : sayJson(response, SITE_CLAIMS),
      problem: /^status 302: redirects are not followed$/,
    },
    'says no JSON': { does: (_, response) => response.end('<p>'), problem: /^not a JSON object$/ },
    'says a list': { does: (_, response) => response.end('[]'), problem: /^not a JSON object$/ },
    'counts in milliseconds': {
      does: (_, response) => sayJson(response, { ...SITE_CLAIMS, exp: Date.now() }),
      problem: /^expected an object of claims/,
    },
    'says too much': {
      does: (_, response) => sayJson(response, { ...SITE_CLAIMS, filling: 'x'.repeat(65_536) }),
      problem: /^longer than 65536 bytes$/,
    },
    'never ends': {
      does: (_, response) => {
        const more = setInterval(() => response.write(' '), 50);
        response.once('close', () => clearInterval(more));
      },
      problem: /^no whole answer in time$/,
    },
    'never begins': { does: () => {}, problem: /^no whole answer in time$/ },
    'breaks off before': {
      does: ({ socket }) => socket.destroy(),
      problem: /^ECONNRESET$/,
    },
    'breaks off amidst': {
      does: ({ socket }, response) => {
        response.writeHead(200, { 'Content-Length': '100' }).write('{', () => socket.destroy());
      },
      problem: /^broken off$/,
    },
  };

  for (const [what, { does, problem }] of Object.entries(faults)) {
    it(`that ${what} lets nobody in`, async () => {
      const target = await startWithBackend(scope, does);
      const beganMs = performance.now();
      assert.equal(refused(await preauth(target.port)), '503 unavailable');
      assert.ok(performance.now() - beganMs < 3_500);

      const failed = await target.logged('auth_hook_failed');
      assert.match(String(failed['problem']), problem);
      assert.equal(target.asked.length, 1);
      const token = await siteToken();
      assert.equal(JSON.stringify(target.events).includes(token), false);
    });
  }

  it('is hung up on when it goes on after its answer is known', async () => {
    const left: Promise<unknown>[] = [];
    let status = 401;
    const { port } = await startWithBackend(scope, (_, response) => {
      left.push(event(response, 'close'));
      response.writeHead(status).write(' '.repeat(100_000));
    });
    for (status of [401, 500, 200]) {
      refused(await preauth(port));
      await left.at(-1);
    }
    assert.equal(left.length, 3);
  });

  it('that is not there lets nobody in, and its failure is written once a second', async () => {
    const target = await start({ POSTERN_AUTH_URL: 'http://127.0.0.1:1/' });
    for (let n = 0; n < 5; n++)
      assert.equal(refused(await preauth(target.port)), '503 unavailable');
    const failures = target.events.filter((logged) => logged.event === 'auth_hook_failed');
    assert.ok(failures.length < 5, String(failures.length));
    assert.equal(failures[0]?.fields['problem'], 'ECONNREFUSED');
  });
});
