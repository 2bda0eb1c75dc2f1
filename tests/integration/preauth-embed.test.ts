import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { TestGatewayOptions } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import {
  bodyOf,
  claimsOf,
  FRAME,
  preauth,
  refused,
  SITE_CLAIMS,
  startPreauth,
} from '../support/preauth.ts';
import { sayJson, startWithBackend } from '../support/preauth-backend.ts';
import { signToken } from '../support/tokens.ts';

const scope = failOnLeaks();

const start = (
  environment?: TestGatewayOptions['environment'],
  hooks?: TestGatewayOptions['hooks'],
) => startPreauth(scope, environment, hooks);

const siteToken = (changes: object = {}) => signToken({ ...SITE_CLAIMS, ...changes });

describe('A page that other sites frame', () => {
  const headers = { Origin: FRAME, 'Sec-Fetch-Site': 'cross-site' };
  const body = '{"embed":true}';

  it('gets a token that stands alone, and no cookie', async () => {
    const { port } = await start();
    const answer = await preauth(port, { headers, body });
    assert.equal(answer.status, 200, answer.body);
    assert.equal(answer.headers.has('set-cookie'), false);
    assert.equal(answer.headers.get('access-control-allow-origin'), FRAME);
    assert.equal(answer.headers.has('access-control-allow-credentials'), false);

    const { embedToken, ...rest } = bodyOf(answer);
    assert.deepEqual(rest, {
      expiresIn: 45,
      url: `wss://127.0.0.1:${port}/ws`,
      subprotocol: 'postern.v1',
      user: 'ada',
      authExpiresAt: SITE_CLAIMS.exp,
    });
    const { aud, ori, sub, sid, ajti, aexp, scp } = claimsOf(embedToken);
    assert.deepEqual(
      { aud, ori, sub, sid, ajti, aexp, scp },
      {
        aud: 'postern/embed',
        ori: FRAME,
        sub: 'ada',
        sid: 'login-1',
        ajti: 'token-1',
        aexp: SITE_CLAIMS.exp,
        scp: { mode: 'rw', channels: ['chat', 'room:*'] },
      },
    );
  });

  it('is narrowed to what it asks for in the token itself', async () => {
    const { port } = await start();
    const answer = await preauth(port, {
      headers,
      body: '{"embed":true,"channels":["room:1","other"]}',
    });
    const { scp } = claimsOf(bodyOf(answer)['embedToken']);
    assert.deepEqual(scp, { channels: { 'room:1': 'rw' } });
  });

  it('has nothing else, and nobody else has it', async () => {
    const { port } = await start({ POSTERN_SITE_COOKIE: 'site' });
    const by = async (request: Parameters<typeof preauth>[1]) =>
      refused(await preauth(port, request));
    assert.equal(await by({ headers }), '403 origin_denied');
    assert.equal(await by({ body }), '403 origin_denied');
    assert.equal(await by({ body, headers: { Origin: undefined } }), '403 origin_missing');
    assert.equal(
      await by({
        body,
        headers: { ...headers, Authorization: undefined, Cookie: `site=${await siteToken()}` },
      }),
      '401 credential_missing',
    );
  });

  it('keeps to the cookie way’s Fetch Metadata where it is on both lists', async () => {
    const { port } = await start({ POSTERN_ALLOWED_ORIGINS: FRAME });
    assert.equal(refused(await preauth(port, { headers })), '403 fetch_denied');
    assert.equal((await preauth(port, { headers, body })).status, 200);
    const near = { ...headers, 'Sec-Fetch-Site': 'same-site' };
    assert.equal((await preauth(port, { headers: near })).status, 200);
  });

  it('has its backend asked by Authorization alone', async () => {
    const cookies: unknown[] = [];
    const { port } = await startWithBackend(scope, (request, response) => {
      cookies.push(request.headers.cookie);
      sayJson(response, SITE_CLAIMS);
    });
    const answer = await preauth(port, { headers: { ...headers, Cookie: 'site=x' }, body });
    assert.equal(answer.status, 200, answer.body);
    assert.deepEqual(cookies, [undefined]);
  });
});
