import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { TestGatewayOptions } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { bodyOf, preauth, refused, SITE_CLAIMS, startPreauth } from '../support/preauth.ts';
import { inSeconds, signToken } from '../support/tokens.ts';

const scope = failOnLeaks();

const start = (
  environment?: TestGatewayOptions['environment'],
  hooks?: TestGatewayOptions['hooks'],
) => startPreauth(scope, environment, hooks);

const siteToken = (changes: object = {}) => signToken({ ...SITE_CLAIMS, ...changes });

describe('The site’s token', () => {
  it('is taken from Authorization, else from the site’s cookie', async () => {
    const { port } = await start({ POSTERN_SITE_COOKIE: 'site' });
    const Cookie = `a=b; site=${await siteToken({ sub: 'bob' })}`;
    const userBy = async (headers: Readonly<Record<string, string | undefined>>) =>
      bodyOf(await preauth(port, { headers }))['user'];

    assert.equal(await userBy({ Cookie }), 'ada');
    assert.equal(await userBy({ Cookie, Authorization: undefined }), 'bob');
    assert.equal(await userBy({ Cookie, Authorization: 'Basic YTpi' }), 'bob');
  });

  it('that is bad never falls through to the next', async () => {
    const { port } = await start({ POSTERN_SITE_COOKIE: 'site' });
    const Cookie = `site=${await siteToken()}`;
    const by = async (Authorization: string | undefined, cookie = Cookie) =>
      refused(await preauth(port, { headers: { Authorization, Cookie: cookie } }));

    assert.equal(await by('Bearer x'), '401 token_invalid');
    assert.equal(await by('Bearer'), '401 token_invalid');
    assert.equal(await by('bearer '), '401 token_invalid');
    assert.equal(await by(`Bearer ${await siteToken({ exp: 1 })}`), '401 token_expired');
    assert.equal(await by(undefined, 'site=x'), '401 token_invalid');
    assert.equal(await by(undefined, 'site='), '401 token_invalid');
    assert.equal(await by(undefined, `Site=${await siteToken()}`), '401 credential_missing');
  });

  it('is refused when it is there twice', async () => {
    const { port } = await start({ POSTERN_SITE_COOKIE: 'site' });
    const token = await siteToken();
    const headers = { Authorization: undefined };
    for (const request of [
      { headers: { ...headers, Cookie: `site=${token}; site=tossed` } },
      { headers: { ...headers, Cookie: `site=${token}` }, lines: ['Cookie: site=tossed'] },
    ])
      assert.equal(refused(await preauth(port, request)), '400 cookie_ambiguous');
    assert.equal(
      refused(await preauth(port, { lines: [`Authorization: Bearer ${token}`] })),
      '400 credential_ambiguous',
    );
  });

  it('counts without a cookie that is named nowhere', async () => {
    const { port } = await start();
    const headers = { Authorization: undefined, Cookie: `site=${await siteToken()}` };
    assert.equal(refused(await preauth(port, { headers })), '401 credential_missing');
  });

  it('must name its user, and end', async () => {
    const { port } = await start({ POSTERN_REQUIRE_EXP: 'false', POSTERN_EXP_LEEWAY: '30' });
    for (const claims of [
      { sub: undefined },
      { sub: '' },
      { sub: 7 },
      { sid: 7 },
      { jti: 7 },
      { iss: 7 },
    ])
      assert.equal(refused(await preauth(port, { claims })), '403 forbidden');

    const exp = inSeconds(100);
    assert.equal(bodyOf(await preauth(port, { claims: { exp } }))['authExpiresAt'], exp + 30);
    const without = bodyOf(await preauth(port, { claims: { exp: undefined } }))['authExpiresAt'];
    assert.ok(Math.abs(Number(without) - inSeconds(86_400)) < 10, String(without));
  });
});

describe('The authenticate of a program', () => {
  it('alone says who the user is', async () => {
    const { port } = await start(
      {},
      {
        authenticate: ({ headers }) =>
          Promise.resolve(
            headers['x-user'] === undefined
              ? undefined
              : { ...SITE_CLAIMS, sub: String(headers['x-user']) },
          ),
      },
    );
    const answer = await preauth(port, { lines: ['X-User: eve'] });
    assert.equal(bodyOf(answer)['user'], 'eve', answer.body);
    assert.equal(refused(await preauth(port)), '401 credential_missing');
  });

  it('that fails lets nobody in', async () => {
    const answers: readonly (() => unknown)[] = [
      () => {
        throw new Error('out of order');
      },
      () => Promise.reject(new Error('out of order')),
      () => [],
      () => 'ada',
      () => null,
      () => ({ ...SITE_CLAIMS, exp: 'soon' }),
    ];
    let n = 0;
    const target = await start({}, { authenticate: () => answers[n]?.() as undefined });
    for (; n < answers.length; n++)
      assert.equal(refused(await preauth(target.port)), '500 internal', String(n));
    const failures = target.events.filter(({ event }) => event === 'authenticate_failed');
    assert.equal(failures.length, answers.length);
  });

  it('and a backend are one too many', async () => {
    await assert.rejects(
      start({ POSTERN_AUTH_URL: 'http://127.0.0.1:1/' }, { authenticate: () => undefined }),
      { code: 'POSTERN_CONFIG' },
    );
  });
});
