import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { failures } from '@postern/client/protocol';
import { assertRefused, nowSeconds, parse, startRoutes, verify } from './dev-routes-server.ts';
import type { RoutesServer } from './dev-routes-server.ts';

const goodClaims = { sub: 'Ada', mode: 'rw', channels: ['chat'], exp: nowSeconds + 60 };

describe('The routes of postern dev', () => {
  let routes: RoutesServer;

  before(async () => {
    routes = await startRoutes({ 'protocol.md': '# The wire', 'notes.txt': 'no documentation' });
  });
  after(() => routes.stop());
  afterEach(() => assert.deepEqual(routes.bugs.splice(0), [], 'only an expected bug is reported'));

  const makeToken = async (claims: object) =>
    parse(await routes.post('/dev/token', JSON.stringify(claims)))['token'];

  it('leave every other path alone', async () => {
    for (const path of ['/', '/dev', '/dev/', '/dev/infos', '/dev/info/', '/Dev/info', '/chat/x']) {
      assert.equal((await routes.get(path)).text, 'not ours', path);
    }
    for (const path of ['/dev/docs/', '/dev/docs/../protocol.md', '/dev/docs/%2e%2e%2fa.md'])
      assert.equal((await routes.get(path)).text, 'not ours', path);
  });

  it('tell the page about the gateway, with the close codes of the failure table as they are here', async () => {
    const answer = await routes.get('/dev/info?fresh');
    const { closings, ...rest } = parse(answer);

    assert.equal(answer.status, 200);
    assert.deepEqual(rest, {
      version: '1.2.3',
      databaseChannel: 'gate',
      databaseUrl: 'postgres://postgres:pw@127.0.0.1:5432/postgres',
      docs: ['protocol.md'],
    });

    const { tokenExpired, revoked } = failures;
    assert.ok(Array.isArray(closings));
    assert.deepEqual(
      closings.filter(({ code }: { code: number }) => [3001, 4500, 4600].includes(code)),
      [
        { code: 3001, reason: tokenExpired.reason, advice: tokenExpired.advice },
        { code: 4600, reason: revoked.reason, advice: revoked.advice },
      ],
    );
    assert.ok(closings.every((row: { code?: number }) => row.code !== undefined));
  });

  it('are never cached, sniffed, framed or read by another origin', async () => {
    for (const answer of [
      await routes.get('/dev/info'),
      await routes.get('/dev/docs/protocol.md'),
      await routes.post('/dev/token', '{}'),
      await routes.post('/dev/token', ''),
    ]) {
      assert.equal(answer.headers['cache-control'], 'no-store');
      assert.equal(answer.headers['x-content-type-options'], 'nosniff');
      assert.equal(answer.headers['content-security-policy'], "default-src 'none'");
      assert.equal(answer.headers['cross-origin-resource-policy'], 'same-origin');
      assert.equal(answer.headers['access-control-allow-origin'], undefined);
    }
  });

  it('make tokens that the gateway takes, with exactly the claims that were asked for', async () => {
    const token = await makeToken(goodClaims);
    assert.ok(typeof token === 'string');

    assert.deepEqual(await verify(token, nowSeconds), {
      claims: goodClaims,
      expiresAt: goodClaims.exp,
    });
    assert.deepEqual(await verify(token, goodClaims.exp), {
      problem: { failure: 'tokenExpired', raw: 'Token expired' },
      signed: goodClaims,
    });
  });

  it('explain what a handshake with a token is answered, with and without a channel', async () => {
    const token = await makeToken(goodClaims);
    const status = async (question: object) => {
      const { verdict } = parse(await routes.post('/dev/explain', JSON.stringify(question)));
      assert.ok(typeof verdict === 'object' && verdict !== null && 'status' in verdict);
      return verdict.status;
    };

    assert.equal(await status({ token }), 101);
    assert.equal(await status({ token, channel: 'chat' }), 101);
    assert.equal(await status({ token, channel: 'other' }), 400);
  });

  it('serve the documentation as text, and only pages that are there', async () => {
    const page = await routes.get('/dev/docs/protocol.md');
    assert.equal(page.status, 200);
    assert.equal(page.text, '# The wire');
    assert.equal(page.headers['content-type'], 'text/plain; charset=utf-8');

    assertRefused(await routes.get('/dev/docs/absent.md'), 404, 'not_found');
    assertRefused(
      await routes.get('/dev/docs/protocol.md', { host: 'evil.test' }),
      421,
      'host_denied',
    );
  });

  it('list no documentation where an installed package has none', async () => {
    const bare = await startRoutes(undefined);
    const answer = await bare.get('/dev/info');
    await bare.stop();

    assert.deepEqual(parse(answer)['docs'], []);
  });

  it('answer a bug with 500, report it, and give nothing of it away', async () => {
    const answer = await routes.post('/dev/explain', '{"token":"bug"}');

    assertRefused(answer, 500, 'internal');
    assert.doesNotMatch(answer.text, /a bug"/);
    assert.deepEqual(routes.bugs.splice(0), [new Error('a bug')]);
  });
});
