import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { failOnLeaks } from '../support/leaks.ts';
import { APP, FRAME, SITE_CLAIMS, startPreauth } from '../support/preauth.ts';
import { signToken } from '../support/tokens.ts';
import type { Tickets } from '../support/way-in.ts';
import { embedTickets, enter, knock, said, tickets, told } from '../support/way-in.ts';
import { WsClient } from '../support/ws-client.ts';

const scope = failOnLeaks();

/** Connects to `/ws` with these offers and headers. */
const connect = (
  port: number,
  offers: readonly string[] = [],
  headers: Readonly<Record<string, string>> = {},
  query = '',
): Promise<WsClient> =>
  WsClient.connect(`ws://127.0.0.1:${port}/ws${query}`, {
    protocols: ['postern.v1', ...offers],
    headers,
  });

describe('The way in', () => {
  it('leads a page from its login to a welcome, and names what it may do', async () => {
    const { port, logged } = await startPreauth(scope);
    const client = await enter(port, await tickets(port));
    assert.equal(client.protocol, 'postern.v1');
    const { session, serverTime, ...welcome } = await said(client);
    assert.match(String(session), /^[\da-f-]{36}$/);
    assert.ok(Math.abs(Number(serverTime) - Date.now() / 1000) < 5);
    assert.deepEqual(welcome, {
      type: 'welcome',
      user: 'ada',
      expiresAt: SITE_CLAIMS.exp,
      channels: { chat: 'rw', 'room:*': 'rw' },
      pingSeconds: 30,
      maxPayloadBytes: 65_536,
    });
    assert.equal((await logged('session_started'))['protocol'], 'v1');
    await client.close();
  });

  it('takes the token among the subprotocols too, and echoes none of it', async () => {
    const { port } = await startPreauth(scope);
    const { cookie, token } = await tickets(port);
    const answer = await knock(port, { cookie, offers: [`postern.csrf.${token}`] });
    assert.equal(answer.status, 101);
    assert.equal(answer.headers.get('sec-websocket-protocol'), 'postern.v1');
  });

  it('lets a bearer in by header and by subprotocol, with a page and without', async () => {
    const { port } = await startPreauth(scope);
    const bearer = await signToken(SITE_CLAIMS);
    for (const origin of [APP, undefined]) {
      assert.equal((await knock(port, { bearer, origin })).status, 101);
      const offers = [`postern.bearer.${bearer}`];
      const answer = await knock(port, { offers, origin });
      assert.equal(answer.status, 101);
      assert.equal(answer.headers.get('sec-websocket-protocol'), 'postern.v1');
    }
  });

  it('waits for an auth where nothing was shown: a welcome, then ok', async () => {
    const { port } = await startPreauth(scope);
    const client = await connect(port, [], { Origin: APP });
    client.send(JSON.stringify({ type: 'auth', id: 1, token: await signToken(SITE_CLAIMS) }));
    assert.equal((await said(client))['type'], 'welcome');
    assert.deepEqual(await said(client), { type: 'ok', id: 1 });
    client.send('{"type":"ping","id":2}');
    assert.deepEqual(await said(client), { type: 'pong', id: 2 });
    await client.close();
  });

  it('is short for a tab that asked for less, and no other tab loses by that', async () => {
    const { port } = await startPreauth(scope);
    const all = await tickets(port);
    const some = await tickets(port, { body: '{"channels":["room:1"]}' });
    // Both tabs have the cookie of the one that came last.
    const channels = async ({ token }: Tickets) => {
      const client = await enter(port, { ...some, token });
      const welcome = await said(client);
      await client.close();
      return welcome['channels'];
    };
    assert.deepEqual(await channels(all), { chat: 'rw', 'room:*': 'rw' });
    assert.deepEqual(await channels(some), { 'room:1': 'rw' });
  });

  it('ends with the login: the session is cut off at its end', async () => {
    const { port } = await startPreauth(scope);
    const exp = Date.now() / 1000 + 2;
    const client = await enter(port, await tickets(port, { claims: { exp } }));
    assert.deepEqual(await client.closed(), { code: 3001, reason: 'JWT expired' });
    assert.ok(Date.now() / 1000 < exp + 1.5);
  });

  it('lets a framed page in by a token that stands alone, once', async () => {
    const { port } = await startPreauth(scope);
    const { token, cookie } = await embedTickets(port);
    assert.equal(cookie, '');
    assert.equal((await knock(port, { embed: token, origin: FRAME })).status, 101);
    assert.equal(
      told(await knock(port, { embed: token, origin: FRAME })),
      '401 Ticket replayed: csrf_replayed',
    );
  });
});
