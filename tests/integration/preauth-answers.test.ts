import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { selfSignedCertificate } from '../support/certificate.ts';
import type { TestGatewayOptions } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import {
  APP,
  bodyOf,
  claimsOf,
  preauth,
  preauthBytes,
  refused,
  startPreauth,
} from '../support/preauth.ts';
import type { PreauthRequest } from '../support/preauth.ts';
import { startEmbedded } from '../support/preauth-embedded.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

const scope = failOnLeaks();

const start = (
  environment?: TestGatewayOptions['environment'],
  hooks?: TestGatewayOptions['hooks'],
) => startPreauth(scope, environment, hooks);

describe('The answer to a page', () => {
  /** 2027-01-15T08:00:00.9Z: a fraction, to be left out. */
  const nowMs = 1_800_000_000_900;
  const clock = { wallMs: () => nowMs, monotonicMs: () => performance.now() };
  const claims = { exp: 1_800_003_600 };

  it('is a CSRF token, where to connect, and the auth cookie, byte for byte', async () => {
    const { port } = await start({}, { clock });
    const answer = await preauth(port, { claims });
    assert.equal(answer.status, 200, answer.body);
    assert.equal(answer.headers.get('content-type'), 'application/json');

    const { csrfToken, ...rest } = bodyOf(answer);
    assert.deepEqual(rest, {
      expiresIn: 45,
      url: `wss://127.0.0.1:${port}/ws`,
      subprotocol: 'postern.v1',
      user: 'ada',
      authExpiresAt: 1_800_003_600,
    });
    const line = answer.headers.get('set-cookie') ?? '';
    const [, value = ''] = /^__Host-Http-postern=([\w.-]+);/.exec(line) ?? [];
    assert.equal(
      line,
      `__Host-Http-postern=${value}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=55; Expires=Fri, 15 Jan 2027 08:00:55 GMT`,
    );

    const { cid, ...cookie } = claimsOf(value);
    assert.deepEqual(cookie, {
      iss: 'https://site.test',
      sub: 'ada',
      sid: 'login-1',
      scp: { mode: 'rw', channels: ['chat', 'room:*'] },
      ajti: 'token-1',
      aiat: 0,
      aexp: 1_800_003_600,
      aud: 'postern/cookie',
      iat: 1_800_000_000,
      exp: 1_800_000_055,
    });
    const { jti, ...csrf } = claimsOf(csrfToken);
    assert.match(String(jti), /^[\w-]{22}$/);
    assert.deepEqual(csrf, {
      iss: 'https://site.test',
      sub: cid,
      ori: APP,
      aud: 'postern/ws',
      iat: 1_800_000_000,
      exp: 1_800_000_045,
    });
  });

  it('holds what the page narrowed itself to in its CSRF token, and nowhere else', async () => {
    const { port } = await start();
    const answer = await preauth(port, { body: '{"channels":["room:1","other"],"more":1}' });
    const [cookie = ''] = (answer.headers.get('set-cookie') ?? '').split(';');
    assert.deepEqual(claimsOf(cookie)['scp'], { mode: 'rw', channels: ['chat', 'room:*'] });
    assert.deepEqual(claimsOf(bodyOf(answer)['csrfToken'])['scp'], ['room:1', 'other']);

    for (const channels of [[], ['other'], ['room:']])
      assert.equal(
        refused(await preauth(port, { body: JSON.stringify({ channels }) })),
        '403 scope_denied',
        String(channels),
      );
  });

  it('is counted and written down, refused or not', async () => {
    const { port, logged, gateway } = await start();
    void gateway;
    assert.equal((await preauth(port)).status, 200);
    assert.deepEqual(await logged('preauth_granted'), {
      ticket: 'cookie',
      address: '127.0.0.1',
      user: 'ada',
    });
    await preauth(port, { claims: { mode: 'x' } });
    assert.deepEqual(await logged('preauth_refused'), {
      audit: true,
      outcome: 'forbidden',
      failure: 'forbidden',
      code: 'scope_denied',
      why: undefined,
      address: '127.0.0.1',
      user: 'ada',
    });
  });
});

describe('Where a page is to connect', () => {
  const urlBy = async (port: number, request?: PreauthRequest) =>
    bodyOf(await preauth(port, request))['url'];

  it('is the public URL, with its path, or else the host that it asked', async () => {
    const named = await start({
      POSTERN_PUBLIC_URL: 'https://rt.test:8443',
      POSTERN_ALLOWED_HOSTS: '*',
    });
    assert.equal(await urlBy(named.port), 'wss://rt.test:8443/ws');
    assert.equal(
      await urlBy(named.port, { headers: { Host: 'other.test' } }),
      'wss://rt.test:8443/ws',
    );
    const below = await start({ POSTERN_PUBLIC_URL: 'https://app.test/realtime/' });
    assert.equal(await urlBy(below.port), 'wss://app.test/realtime/ws');
    const unnamed = await start({ POSTERN_ALLOWED_HOSTS: '*' });
    assert.equal(
      await urlBy(unnamed.port, { headers: { Host: 'other.test' } }),
      'wss://other.test/ws',
    );
  });

  it('is below the base path of a gateway in a program', async () => {
    const { port } = await startEmbedded(scope, { basePath: '/realtime' });
    const answer = await preauth(port, { target: '/realtime/preauth?x=y' });
    assert.equal(bodyOf(answer)['url'], `wss://127.0.0.1:${port}/realtime/ws`, answer.body);
    const bare = await preauth(port, { target: '/preauth' });
    assert.equal(bare.body, 'from the program');
  });

  it('is in the clear for development on this very computer, with a cookie of its own', async () => {
    const { port } = await start({ POSTERN_TRUSTED_PROXIES: undefined }, { development: true });
    const answer = await preauth(port, { headers: { 'X-Forwarded-Proto': undefined } });
    assert.equal(bodyOf(answer)['url'], `ws://127.0.0.1:${port}/ws`, answer.body);
    assert.match(
      answer.headers.get('set-cookie') ?? '',
      /^postern-dev=[\w.-]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=55; Expires=[^;]+GMT$/,
    );
    assert.equal(refused(await preauth(port)), '421 tls_required');
  });
});

describe('A request in the clear', () => {
  it('is refused unless each proxy of a trusted chain was asked by https', async () => {
    const { port } = await start();
    const by = async (proto: string | undefined): Promise<number> =>
      (await preauth(port, { headers: { 'X-Forwarded-Proto': proto } })).status;
    for (const proto of [undefined, '', 'http', 'https, http', 'http, https', 'httpsx'])
      assert.equal(await by(proto), 421, proto);
    for (const proto of ['https', 'HTTPS', 'https, https'])
      assert.equal(await by(proto), 200, proto);

    const untrusted = await start({ POSTERN_TRUSTED_PROXIES: undefined });
    assert.equal(refused(await preauth(untrusted.port)), '421 tls_required');
  });

  it('is none when it came by TLS', async () => {
    const folder = await scratchFolder(scope);
    const { certificate, key } = selfSignedCertificate();
    await writeFile(join(folder, 'it.crt'), certificate);
    await writeFile(join(folder, 'it.key'), key);
    const { port } = await start({
      POSTERN_TRUSTED_PROXIES: undefined,
      POSTERN_TLS_CERTIFICATE: join(folder, 'it.crt'),
      POSTERN_TLS_KEY: join(folder, 'it.key'),
    });
    const [, ...lines] = (await preauthBytes(port, {})).trimEnd().split('\r\n');
    const headers = Object.fromEntries(lines.map((line) => line.split(': ')));
    const status = await new Promise((resolve, reject) => {
      const options = {
        port,
        method: 'POST',
        path: '/preauth',
        headers,
        ca: certificate,
        agent: false,
      };
      httpsRequest({ host: '127.0.0.1', ...options }, (response) => {
        response.resume().once('end', () => resolve(response.statusCode));
      })
        .on('error', reject)
        .end();
    });
    assert.equal(status, 200);
  });
});
