import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { startGateway } from '../support/gateway.ts';
import { startIssuer } from '../support/issuer.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import { PREAUTH_ENVIRONMENT, SITE_CLAIMS, startPreauth } from '../support/preauth.ts';
import { codeOf, enterByBearer, show } from '../support/refreshing.ts';
import { fileWith, serveReady, statusOf } from '../support/rotation.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';
import { inSeconds, keyPair, signToken } from '../support/tokens.ts';
import type { KeyPair } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { said } from '../support/way-in.ts';
import { WsClient } from '../support/ws-client.ts';

const scope = failOnLeaks();

describe('While a token is looked at', () => {
  it('its session ends in time, though the keys for it have yet to be fetched', async () => {
    const [one, two] = [keyPair('ES256', 'one'), keyPair('ES256', 'two')];
    const issuer = await startIssuer(scope);
    issuer.publish([one.jwk]);
    const database = await freshDatabase(scope);
    const environment = {
      POSTERN_JWT_SECRET: '',
      POSTERN_JWKS: issuer.url,
      NODE_EXTRA_CA_CERTS: await fileWith(scope, issuer.certificate),
    };
    const { port, child, count } = await serveReady(scope, { ...database, environment });
    await child.line(/"event":"jwks_loaded"/);
    const signed = (pair: KeyPair, kid: string, exp: number): Promise<string> =>
      signToken({ ...SITE_CLAIMS, exp }, { alg: 'ES256', key: pair.privateKey, header: { kid } });

    const exp = inSeconds(2);
    const client = await WsClient.connect(`ws://127.0.0.1:${port}/ws`, {
      protocols: ['postern.v1'],
      headers: { Authorization: `Bearer ${await signed(one, 'one', exp)}` },
    });
    let answer = (): void => assert.fail('Nobody has asked');
    issuer.answer = (_request, response) => {
      answer = () => void response.end(JSON.stringify({ keys: [one.jwk, two.jwk] }));
    };
    const before = issuer.requests();
    client.send(JSON.stringify({ type: 'auth', id: 1, token: await signed(two, 'two', 2e9) }));
    await until('the search for the key', () => issuer.requests() > before);
    assert.deepEqual(await client.closed(), { code: 3001, reason: 'JWT expired' });
    assert.ok(Date.now() / 1000 - exp < 1);

    answer();
    await child.line(/"keys":2,.*"event":"jwks_loaded"/);
    assert.equal(await statusOf(port, await signed(two, 'two', 2e9)), 101);
    assert.equal(count(/"event":"session_refreshed"/), 0);
    assert.doesNotMatch(client.messages.join(), /"ok"/);
  });

  it('nobody goes on while PostgreSQL is away: what was revoked is not known then', async () => {
    const database = await freshDatabase(scope);
    const url = new URL(database.url);
    const proxy = await tcpProxy(scope, { port: Number(url.port) });
    url.port = String(proxy.port);
    const { port, logged } = await startGateway(scope, {
      databaseUrl: url.href,
      environment: { ...PREAUTH_ENVIRONMENT, POSTERN_DATABASE_CHANNEL: database.channel },
    });
    const { client } = await enterByBearer(port, {});
    proxy.set({ up: 'swallow', down: 'swallow' });
    proxy.cut();
    await logged('listener_lost');
    assert.deepEqual(await said(client), { type: 'status', database: 'down' });
    const reply = await show(client, await signToken({ ...SITE_CLAIMS, exp: 2e9 }));
    assert.deepEqual(codeOf(reply), ['error', 'unavailable']);
    await client.close();
    proxy.set({ up: 'pass', down: 'pass' });
  });

  it('it may be revoked: then it is refused, and the session goes on as before', async () => {
    let decide: (answer: boolean) => void = () => {};
    const later = new Promise<boolean>((resolve) => (decide = resolve));
    const answers = [true, true, later];
    const authorize = () => answers.shift() ?? false;
    const { port, query } = await startPreauth(scope, {}, { authorize });
    const victim = await enterByBearer(port, { jti: 'token-2' });
    const { client } = await enterByBearer(port, {});
    const token = await signToken({ ...SITE_CLAIMS, jti: 'token-2', exp: 2e9 });
    client.send(JSON.stringify({ type: 'auth', id: 1, token }));
    await query(`SELECT postern.revoke(jti => 'token-2')`);
    assert.equal((await victim.client.closed()).code, 4500);
    decide(true);
    assert.deepEqual(codeOf(await said(client)), ['error', 'revoked']);
    await client.close();
  });

  it('the program has its word on it, told of the handshake, and may say no', async () => {
    const asked: unknown[] = [];
    const authorize: Parameters<typeof startPreauth>[2] = {
      authorize: ({ request, claims, channels }) => {
        asked.push([request.headers['x-device'], claims['exp'], channels]);
        return claims['exp'] !== 2e9;
      },
    };
    const { port } = await startPreauth(scope, {}, authorize);
    const client = await WsClient.connect(`ws://127.0.0.1:${port}/ws`, {
      protocols: ['postern.v1'],
      headers: { Authorization: `Bearer ${await signToken(SITE_CLAIMS)}`, 'X-Device': 'one' },
    });
    await said(client);
    const reply = await show(client, await signToken({ ...SITE_CLAIMS, exp: 2e9 }));
    assert.deepEqual(codeOf(reply), ['error', 'forbidden']);
    assert.deepEqual(asked, [
      ['one', SITE_CLAIMS.exp, ['chat', 'room:*']],
      ['one', 2e9, ['chat', 'room:*']],
    ]);
    await client.close();
  });
});
