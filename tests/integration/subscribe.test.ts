import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { killListener } from '../support/failure-causes.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { SITE_CLAIMS, startPreauth } from '../support/preauth.ts';
import { enterByBearer, show } from '../support/refreshing.ts';
import { signToken } from '../support/tokens.ts';
import { said } from '../support/way-in.ts';
import type { WsClient } from '../support/ws-client.ts';

const scope = failOnLeaks();

/** A gateway with somebody who is subscribed, and what notifies its database channel. */
async function startSubscribed(...channels: readonly string[]) {
  const gateway = await startPreauth(scope);
  const { client } = await enterByBearer(gateway.port, {});
  for (const channel of channels) await subscribe(client, channel);
  const notify = async (text: string): Promise<void> => {
    await gateway.query('SELECT pg_notify($1, $2)', [gateway.channel, text]);
  };
  return { ...gateway, reader: client, notify };
}

async function subscribe(client: WsClient, channel: string): Promise<void> {
  client.send(JSON.stringify({ type: 'subscribe', id: 1, channel }));
  assert.deepEqual(await said(client), { type: 'ok', id: 1 });
}

/** The channel and the payload of the next message. */
async function heard(client: WsClient): Promise<unknown> {
  const { type, channel, payload, at } = await said(client);
  assert.equal(type, 'message');
  assert.ok(Math.abs(Number(at) - Date.now() / 1000) < 5);
  return [channel, payload];
}

describe('Somebody who is subscribed on postern.v1', () => {
  it('hears what SQL sends: the payload of an envelope, or all there is', async () => {
    const { reader, notify } = await startSubscribed('chat');
    await notify('{"channel":"chat","payload":{"n":[1,null]}}');
    await notify('{"channel":"chat","n":2}');
    await notify('{"channel":"chat","payload":"{\\"n\\":3}","payload_type":"json"}');
    assert.deepEqual(await heard(reader), ['chat', { n: [1, null] }]);
    assert.deepEqual(await heard(reader), ['chat', { channel: 'chat', n: 2 }]);
    assert.deepEqual(await heard(reader), ['chat', { n: 3 }]);
    await reader.close();
  });

  it('hears what raw clients send, without their claims', async () => {
    const gateway = await startSubscribed('chat');
    const { reader } = gateway;
    const raw = await gateway.client({
      mode: 'rw',
      channel: 'chat',
      jti: 'nobody’s business',
      exp: 2e9,
    });
    raw.send('hello');
    assert.deepEqual(await heard(reader), ['chat', 'hello']);
    // Raw clients go on getting the envelope.
    assert.match(await raw.message(), /"payload":"hello"/);
    assert.doesNotMatch(reader.messages.join(), /nobody/);
    await Promise.all([reader.close(), raw.close()]);
  });

  it('is told when PostgreSQL is lost and back, and that messages may be missing', async () => {
    const { reader, query, notify } = await startSubscribed('chat', 'room:1');
    await killListener(query);
    assert.deepEqual(await said(reader), { type: 'status', database: 'down' });
    assert.deepEqual(await said(reader), { type: 'status', database: 'up' });
    for (const channel of ['chat', 'room:1'])
      assert.deepEqual(await said(reader), { type: 'gap', channel, reason: 'feed_lost' });
    await notify('{"channel":"chat","payload":"after"}');
    assert.deepEqual(await heard(reader), ['chat', 'after']);
    await reader.close();
  });

  it('hears no more of a channel that another token does not grant, not a message', async () => {
    const { reader, query, channel } = await startSubscribed('chat', 'room:1');
    const token = await signToken({ ...SITE_CLAIMS, channels: ['room:*'], exp: 2e9 });
    assert.deepEqual((await show(reader, token))['channels'], { 'room:*': 'rw' });
    assert.deepEqual(await said(reader), {
      type: 'unsubscribed',
      channel: 'chat',
      code: 'scope_denied',
      reason: 'Forbidden',
    });
    const texts = ['chat', 'room:1'].map((name) =>
      JSON.stringify({ channel: name, payload: name }),
    );
    await query(`SELECT count(pg_notify($1, t)) FROM unnest($2::text[]) t, generate_series(1, 2)`, [
      channel,
      texts,
    ]);
    assert.deepEqual(await heard(reader), ['room:1', 'room:1']);
    reader.send('{"type":"ping","id":9}');
    assert.deepEqual(await said(reader), { type: 'pong', id: 9 });
    await reader.close();
  });

  it('hears nothing beyond the end of its token, whoever goes on sending', async () => {
    const gateway = await startPreauth(scope);
    const exp = Date.now() / 1000 + 1;
    const { client } = await enterByBearer(gateway.port, { exp });
    client.send('{"type":"subscribe","id":1,"channel":"chat"}');
    let atMs = 0;
    for (; Date.now() / 1000 < exp + 0.5; atMs = Date.now())
      await gateway.query('SELECT pg_notify($1, $2)', [
        gateway.channel,
        `{"channel":"chat","payload":${atMs}}`,
      ]);
    assert.deepEqual(await client.closed(), { code: 3001, reason: 'JWT expired' });
    const late = client.messages
      .map((text) => Number(Object(JSON.parse(text)).payload))
      .filter((sentMs) => sentMs > exp * 1000);
    assert.deepEqual(late, []);
    assert.ok(client.messages.length > 10);
  });
});
