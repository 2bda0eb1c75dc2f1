import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { killListener } from '../support/failure-causes.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { SITE_CLAIMS, startPreauth } from '../support/preauth.ts';
import type { Said } from '../support/refreshing.ts';
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

/** Subscribes, and returns the reply. */
async function subscribe(client: WsClient, channel: string, from?: unknown): Promise<Said> {
  client.send(JSON.stringify({ type: 'subscribe', id: 1, channel, from }));
  const reply = await said(client);
  assert.equal(reply['type'], 'ok');
  return reply;
}

/** The next so many messages, and the gaps between them. */
async function next(client: WsClient, count: number): Promise<readonly Said[]> {
  const messages: Said[] = [];
  for (let number = 0; number < count; number += 1) messages.push(await said(client));
  return messages;
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
    for (const channel of ['chat', 'room:1']) {
      const { cursor, ...gap } = await said(reader);
      assert.deepEqual(gap, { type: 'gap', channel, reason: 'feed_lost' });
      assert.equal(typeof cursor, 'string');
    }
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

describe('Somebody who comes back to postern.v1 with a cursor', () => {
  it('misses nothing, whichever message was the last, and hears nothing twice', async () => {
    const { reader, port, notify } = await startSubscribed();
    const { cursor: start } = await subscribe(reader, 'chat');
    for (let n = 1; n <= 5; n += 1) {
      await notify(`{"channel":"chat","payload":${n}}`);
      await notify(`{"channel":"other","payload":${-n}}`);
    }
    const cursors = (await next(reader, 5)).map(({ cursor }) => cursor);
    assert.equal(new Set(cursors).size, 5);
    await reader.close();
    for (const [index, from] of [start, ...cursors].entries()) {
      const { client } = await enterByBearer(port, {});
      const { type, recovered, cursor } = await subscribe(client, 'chat', from);
      assert.deepEqual([type, recovered, cursor], ['ok', true, from]);
      await notify(`{"channel":"chat","payload":"live ${index}"}`);
      const heardNow = await next(client, 6);
      assert.deepEqual(
        heardNow.map(({ payload }) => payload),
        [1, 2, 3, 4, 5, ...liveUpTo(index)].slice(index),
      );
      await client.close();
    }
  });

  it('is told of the gap after a break, and that there is none since', async () => {
    const { reader, port, query, notify } = await startSubscribed();
    const { cursor: before } = await subscribe(reader, 'chat');
    await notify('{"channel":"chat","payload":1}');
    const [message] = await next(reader, 1);
    await killListener(query);
    const [, , gap] = await next(reader, 3);
    await notify('{"channel":"chat","payload":2}');
    await next(reader, 1);
    for (const from of [before, message?.['cursor']]) {
      const { client } = await enterByBearer(port, {});
      assert.equal((await subscribe(client, 'chat', from))['recovered'], false);
      assert.equal((await said(client))['reason'], 'unknown_cursor');
      await client.close();
    }
    const { client } = await enterByBearer(port, {});
    assert.equal((await subscribe(client, 'chat', gap?.['cursor']))['recovered'], true);
    assert.equal((await said(client))['payload'], 2);
    await Promise.all([client.close(), reader.close()]);
  });

  it('is told when more has come since than is kept', async () => {
    const { port, query, channel } = await startPreauth(scope, {
      POSTERN_HISTORY_BYTES: '20000',
    });
    const { client } = await enterByBearer(port, {});
    const { cursor } = await subscribe(client, 'chat');
    await query(
      `SELECT count(pg_notify($1, '{"channel":"chat","n":' || n || '}')) FROM generate_series(1, 1000) n`,
      [channel],
    );
    const messages = await next(client, 1_000);
    assert.equal((await subscribe(client, 'chat', cursor))['recovered'], false);
    assert.equal((await said(client))['reason'], 'too_old');
    // What is kept is the latest.
    const { recovered } = await subscribe(client, 'chat', messages[990]?.['cursor']);
    assert.equal(recovered, true);
    const payloads = (await next(client, 9)).map(({ payload }) => Object(payload).n);
    assert.deepEqual(payloads, [992, 993, 994, 995, 996, 997, 998, 999, 1000]);
    await client.close();
  });

  it('gets more than may wait for a client at once, while others go on talking', async () => {
    const { port, query, channel } = await startPreauth(scope);
    const { client } = await enterByBearer(port, {});
    const { cursor } = await subscribe(client, 'chat');
    await client.close();
    const publish = async (from: number, to: number): Promise<void> => {
      const sql = `SELECT count(pg_notify($1, json_build_object('channel', 'chat', 'payload', n, 'x', repeat('x', 7000))::text))
        FROM generate_series($2::int, $3::int) n`;
      await query(sql, [channel, from, to]);
    };
    await publish(1, 400);
    // Each message is large in the envelope and small on the wire: the text of another object is told whole.
    await query(
      `SELECT count(pg_notify($1, json_build_object('channel', 'chat', 'n', n, 'x', repeat('x', 7000))::text))
      FROM generate_series(401, 800) n`,
      [channel],
    );
    const { client: again } = await enterByBearer(port, {});
    await subscribe(again, 'chat', cursor);
    await publish(801, 900);
    const numbers = (await next(again, 900)).map(({ payload }) => Object(payload).n ?? payload);
    assert.deepEqual(
      numbers,
      Array.from({ length: 900 }, (_, index) => index + 1),
    );
    await again.close();
  });
});

function liveUpTo(index: number): readonly string[] {
  return Array.from({ length: index + 1 }, (_, live) => `live ${live}`);
}
