import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { failOnLeaks } from '../support/leaks.ts';
import { APP, FRAME, SITE_CLAIMS, startPreauth } from '../support/preauth.ts';
import { codeOf, enterByBearer, enterByPage, show } from '../support/refreshing.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { embedTickets, enter, said, tickets } from '../support/way-in.ts';
import { WsClient } from '../support/ws-client.ts';

const scope = failOnLeaks();

describe('A session with a token of the site’s', () => {
  it('is warned, shows another token and goes on, until the end of that one', async () => {
    const { port } = await startPreauth(scope);
    const end = inSeconds(2);
    const { client, welcome } = await enterByBearer(port, { exp: end });
    assert.equal(welcome['expiresAt'], end);
    const warning = await said(client);
    assert.equal(warning['type'], 'expiring');
    assert.ok(Number(warning['seconds']) > 0 && Number(warning['seconds']) <= 2);

    const later = end + 1;
    const { channels, expiresAt } = await show(
      client,
      await signToken({ ...SITE_CLAIMS, exp: later }),
    );
    assert.deepEqual([channels, expiresAt], [welcome['channels'], later]);
    // Of the new token it is warned as well.
    assert.equal((await said(client))['type'], 'expiring');
    assert.deepEqual(await client.closed(), { code: 3001, reason: 'JWT expired' });
    const overdue = Date.now() / 1000 - later;
    assert.ok(overdue >= 0 && overdue < 1, `${overdue} s after its end`);
  });

  it('takes no ticket, and no token that does not count: it stays as it is', async () => {
    const { port } = await startPreauth(scope);
    const cases: readonly (readonly [string, (session: unknown) => Promise<unknown>])[] = [
      ['token_invalid', () => signToken(SITE_CLAIMS, { key: 'x'.repeat(32) })],
      ['token_expired', () => signToken({ ...SITE_CLAIMS, exp: inSeconds(-1) })],
      ['token_not_active', () => signToken({ ...SITE_CLAIMS, nbf: inSeconds(60) })],
      ['scope_denied', () => signToken({ ...SITE_CLAIMS, channels: ['other'], exp: 2e9 })],
      [
        'token_invalid',
        async (session) =>
          (await tickets(port, { body: JSON.stringify({ session }) })).body['refreshToken'],
      ],
      ['token_invalid', async () => (await tickets(port)).body['csrfToken']],
    ];
    for (const [code, tokenFor] of cases) {
      const { client, welcome } = await enterByBearer(port, {});
      const reply = await show(client, await tokenFor(welcome['session']));
      assert.deepEqual(codeOf(reply), ['error', code]);
      client.send('{"type":"ping","id":2}');
      assert.deepEqual(await said(client), { type: 'pong', id: 2 });
      await client.close();
    }
  });

  for (const name of ['sub', 'iss', 'sid'] as const)
    it(`ends by 4501 when the token is of another ${name}`, async () => {
      const { port, logged } = await startPreauth(scope);
      for (const changed of ['other', undefined]) {
        const { client } = await enterByBearer(port, {});
        const token = await signToken({ ...SITE_CLAIMS, [name]: changed, exp: 2e9 });
        client.send(JSON.stringify({ type: 'auth', id: 1, token }));
        assert.deepEqual(await client.closed(), { code: 4501, reason: 'Identity changed' });
        assert.equal(client.messages.length, 1);
      }
      assert.equal((await logged('refresh_refused'))['failure'], 'identityChanged');
    });

  it('that came in by a first message goes on alike', async () => {
    const { port } = await startPreauth(scope);
    const client = await WsClient.connect(`ws://127.0.0.1:${port}/ws`, {
      protocols: ['postern.v1'],
      headers: { Origin: APP },
    });
    assert.equal((await show(client, await signToken(SITE_CLAIMS), 1))['type'], 'welcome');
    assert.equal((await said(client))['type'], 'ok');
    // The beginning was no refresh.
    const reply = await show(client, await signToken({ ...SITE_CLAIMS, exp: 2e9 }), 2);
    assert.deepEqual([reply['type'], reply['expiresAt']], ['ok', 2e9]);
    assert.deepEqual(codeOf(await show(client, 'x', 3)), ['error', 'rate_limited']);
    await client.close();
  });
});

describe('A session of a page', () => {
  it('goes on by a refresh token, for which it preauthenticates', async () => {
    const { port } = await startPreauth(scope);
    const exp = inSeconds(2);
    const { client, welcome, refreshTokenFor } = await enterByPage(port, { exp });
    assert.equal((await said(client))['type'], 'expiring');
    const reply = await show(client, await refreshTokenFor({ exp: exp + 1, jti: 'token-2' }));
    assert.deepEqual(reply, {
      type: 'ok',
      id: 1,
      expiresAt: exp + 1,
      channels: welcome['channels'],
    });
    assert.equal((await said(client))['type'], 'expiring');
    assert.deepEqual(await client.closed(), { code: 3001, reason: 'JWT expired' });
    assert.ok(Date.now() / 1000 >= exp + 1);
  });

  it('goes on likewise when another site frames it', async () => {
    const { port } = await startPreauth(scope);
    const { token } = await embedTickets(port);
    const client = await WsClient.connect(`ws://127.0.0.1:${port}/ws?embed=${token}`, {
      protocols: ['postern.v1'],
      headers: { Origin: FRAME },
    });
    const { session } = await said(client);
    const body = JSON.stringify({ embed: true, session });
    const later = await tickets(port, {
      headers: { Origin: FRAME },
      claims: { exp: 2e9 },
      body,
    });
    const reply = await show(client, later.body['refreshToken']);
    assert.deepEqual([reply['type'], reply['expiresAt']], ['ok', 2e9]);
    await client.close();
  });

  it('learns that somebody else has logged in, and never becomes that one', async () => {
    const { port } = await startPreauth(scope);
    for (const other of [{ sub: 'bob' }, { sid: 'login-2' }, { iss: 'https://other.test' }]) {
      const { client, refreshTokenFor } = await enterByPage(port);
      const token = await refreshTokenFor({ ...other, exp: 2e9 });
      client.send(JSON.stringify({ type: 'auth', id: 1, token }));
      assert.deepEqual(await client.closed(), { code: 4501, reason: 'Identity changed' });
    }
  });

  it('takes no other token: not another session’s, no other ticket, none of the site’s', async () => {
    const { port } = await startPreauth(scope);
    const other = await enterByPage(port);
    const cases: readonly (() => Promise<unknown>)[] = [
      () => other.refreshTokenFor({ exp: 2e9 }),
      async () => (await tickets(port)).token,
      async () => (await tickets(port)).cookie.split('=')[1],
      async () => (await embedTickets(port)).token,
      () => signToken({ ...SITE_CLAIMS, exp: 2e9 }),
    ];
    for (const token of cases) {
      const { client } = await enterByPage(port);
      assert.deepEqual(codeOf(await show(client, await token())), ['error', 'refresh_invalid']);
      await client.close();
    }
    await other.client.close();
  });

  it('keeps what its tab narrowed itself to, whatever it asks for later', async () => {
    const { port } = await startPreauth(scope);
    const client = await enter(port, await tickets(port, { body: '{"channels":["room:*"]}' }));
    const { session } = await said(client);
    const body = JSON.stringify({ session, channels: ['room:1', 'chat'] });
    const later = await tickets(port, { claims: { exp: 2e9 }, body });
    const reply = await show(client, later.body['refreshToken']);
    assert.deepEqual(reply['channels'], { 'room:1': 'rw' });
    await client.close();
  });

  it('gets more by a refresh only where POSTERN_REFRESH_MAY_WIDEN says so', async () => {
    for (const [may, channels] of [
      ['false', { chat: 'r' }],
      ['true', { chat: 'rw', news: 'r' }],
    ] as const) {
      const { port } = await startPreauth(scope, { POSTERN_REFRESH_MAY_WIDEN: may });
      const some = { mode: undefined, channels: { chat: 'r' } };
      const { client, refreshTokenFor } = await enterByPage(port, some);
      const more = { mode: undefined, channels: { chat: 'rw', news: 'r' }, exp: 2e9 };
      const reply = await show(client, await refreshTokenFor(more));
      assert.deepEqual(reply['channels'], channels);
      await client.close();
    }
  });
});
