import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { loadConfig } from '#gateway/config/load.js';

import { askAs } from '../support/admin.ts';
import { handshake, request } from '../support/exchange.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { startMetered } from '../support/metered.ts';
import { scrape } from '../support/scrape.ts';
import { until } from '../support/wait.ts';

const scope = failOnLeaks();
const TOKEN = 'sixteen-bytes-at-least';

const withToken = { environment: { POSTERN_ADMIN_TOKEN: TOKEN } };

const load = (environment: Readonly<Record<string, string>>) => loadConfig({ environment });

describe('The admin port without a token', () => {
  it('answers whoever names this computer', async () => {
    const { adminPort } = await startMetered(scope);
    for (const name of ['localhost', '127.0.0.1', '[::1]', 'LOCALHOST'])
      for (const host of [name, `${name}:${adminPort}`])
        assert.equal((await askAs(host, adminPort)).status, 200, host);
  });

  it('does not answer a page whose name was made to resolve to this computer', async () => {
    const { adminPort, events } = await startMetered(scope);
    const foreign = [
      'evil.test',
      `evil.test:${adminPort}`,
      'localhost.evil.test',
      '127.0.0.1.evil.test',
      'evil.test/localhost',
      'evil@localhost',
      'localhost evil.test',
      '10.0.0.1',
      '0.0.0.0',
      '[::]',
      '',
    ];
    for (const host of foreign) {
      const { status, body } = await askAs(host, adminPort);
      assert.ok(status === 421 || status === 400, `${host}: ${status}`);
      assert.ok(!body.includes('postern_'), host);
    }
    assert.equal((await askAs(undefined, adminPort)).status, 400);
    const refused = events.find(({ event }) => event === 'admin_refused')?.fields;
    assert.equal(refused?.['failure'], 'adminHostDenied');
  });

  it('is bound to loopback, or does not start', () => {
    for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost'])
      load({ POSTERN_ADMIN_PORT: '0', POSTERN_ADMIN_HOST: host });
    for (const host of [
      '*',
      '*4',
      '!6',
      '0.0.0.0',
      '::',
      '10.0.0.1',
      'metrics.example.com',
      '127.evil.test',
    ])
      assert.throws(
        () => load({ POSTERN_ADMIN_PORT: '0', POSTERN_ADMIN_HOST: host }),
        /POSTERN_ADMIN_HOST: .*POSTERN_ADMIN_TOKEN/,
        host,
      );
    load({ POSTERN_ADMIN_PORT: '0', POSTERN_ADMIN_HOST: '*', POSTERN_ADMIN_TOKEN: TOKEN });
  });
});

describe('The admin port with a token', () => {
  it('answers whoever has it, by any name', async () => {
    const { adminPort } = await startMetered(scope, withToken);
    const lines = [`Authorization: Bearer ${TOKEN}`];
    assert.equal((await askAs('metrics.example.com', adminPort, { lines })).status, 200);
    assert.ok(
      (await scrape(adminPort, [`authorization: bearer ${TOKEN}`])).has('postern_sessions'),
    );
  });

  it('answers nobody else, at any path, and says what it wants', async () => {
    const { adminPort } = await startMetered(scope, withToken);
    const wrong = [
      [],
      ['Authorization: Bearer'],
      [`Authorization: Bearer ${TOKEN}x`],
      [`Authorization: Bearer ${TOKEN.slice(0, -1)}`],
      [`Authorization: Bearer ${TOKEN.toUpperCase()}`],
      [`Authorization: Bearer ${TOKEN} ${TOKEN}`],
      [`Authorization: Basic ${Buffer.from(`:${TOKEN}`).toString('base64')}`],
      [`Authorization: ${TOKEN}`],
      [`Cookie: token=${TOKEN}`],
      ['Authorization: Bearer wrong', `Authorization: Bearer ${TOKEN}`],
    ];
    for (const lines of wrong) {
      const { status, headers, body } = await request(adminPort, { target: '/metrics', lines });
      assert.equal(status, 401, lines.join());
      assert.match(headers.get('www-authenticate') ?? '', /^Bearer /);
      assert.ok(!body.includes('postern_sessions') && !body.includes(TOKEN));
    }
    const inQuery = { target: `/metrics?token=${TOKEN}` };
    assert.equal((await request(adminPort, inQuery)).status, 401);
    assert.equal((await request(adminPort, { target: '/nowhere' })).status, 401);
  });

  it('says so once a second, however often somebody tries', async () => {
    const { adminPort, events } = await startMetered(scope, withToken);
    const lines = () => events.filter(({ event }) => event === 'admin_refused');
    const startMs = performance.now();
    await Promise.all(Array.from({ length: 50 }, () => request(adminPort)));
    assert.ok(lines().length <= 1 + (performance.now() - startMs) / 1000, `${lines().length}`);
    const [first] = lines();
    assert.deepEqual(first?.fields, {
      audit: true,
      outcome: 'refused',
      failure: 'adminTokenWrong',
      address: '127.0.0.1',
      more: 0,
    });
    // More than a second may have passed before all of them were answered.
    await until('the others', async () => {
      await request(adminPort);
      return lines().reduce((sum, { fields }) => sum + 1 + Number(fields?.['more']), 0) >= 50;
    });
  });

  it('wants a token that cannot be guessed, and shows it to nobody', () => {
    const bad = [
      'fifteen-bytes..',
      'with a blank in it..',
      'ümlaut-ümlaut-ümlaut',
      'new\nline-new-line-x',
    ];
    for (const token of bad) {
      assert.throws(
        () => load({ POSTERN_ADMIN_TOKEN: token }),
        (error) =>
          error instanceof Error &&
          /POSTERN_ADMIN_TOKEN: expected 16/.test(error.message) &&
          !error.message.includes(token),
      );
    }
    const { options } = load({ POSTERN_ADMIN_TOKEN: TOKEN });
    assert.ok(!JSON.stringify(options).includes(TOKEN));
  });
});

describe('The admin port', () => {
  it('has metrics by GET and HEAD, and nothing else', async () => {
    const { adminPort } = await startMetered(scope);
    assert.equal((await request(adminPort, { target: '/metrics?x=1' })).status, 200);
    const head = await request(adminPort, { target: '/metrics', method: 'HEAD' });
    assert.equal(head.status, 200);
    assert.equal(head.body, '');
    const post = await request(adminPort, { target: '/metrics', method: 'POST' });
    assert.equal(post.status, 405);
    assert.equal(post.headers.get('allow'), 'GET, HEAD');
    for (const target of ['/', '/metrics/', '/healthz', '/../metrics', '/dev/info', '/%6detrics'])
      assert.equal((await request(adminPort, { target })).status, 404, target);
    assert.equal((await handshake(adminPort, { target: '/a/b' })).status, 404);
  });

  it('lets no page of another site have its answers as a part of its own', async () => {
    const { adminPort } = await startMetered(scope);
    const lines = ['Origin: https://evil.test', 'Sec-Fetch-Site: cross-site'];
    const { headers } = await request(adminPort, { target: '/metrics', lines });
    assert.equal(headers.get('cross-origin-resource-policy'), 'same-origin');
    assert.equal(headers.get('access-control-allow-origin'), undefined);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('cache-control'), 'no-store');
  });

  it('is not there unless it is asked for, and its paths are not on the public port', async () => {
    const { adminPort, port } = await startMetered(scope, {
      environment: { POSTERN_ADMIN_PORT: 'off' },
    });
    assert.equal(adminPort, 0);
    assert.equal((await request(port, { target: '/metrics' })).status, 404);
  });
});
