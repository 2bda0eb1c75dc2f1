import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { ProgramSession } from 'postern';

import { killListener } from '../support/failure-causes.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { APP, SITE_CLAIMS, startPreauth } from '../support/preauth.ts';
import { enterByBearer } from '../support/refreshing.ts';
import { StreamClient } from '../support/stream-client.ts';
import { BEARER, publish } from '../support/streams.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';

const scope = failOnLeaks();
const open = (port: number, options: Parameters<typeof StreamClient.open>[2] = {}) =>
  StreamClient.open(scope, port, { bearer: BEARER, ...options });

describe('A stream of server-sent events', () => {
  it('begins with a welcome that says where it stands, and is nobody’s to keep or change', async () => {
    const { port } = await startPreauth(scope);
    const stream = await open(port, { channels: ['chat', 'room:1', 'chat'] });
    const { lastEventId, ...event } = await stream.event();
    const welcome = JSON.parse(event.data);
    assert.deepEqual(
      { ...welcome, session: 'id', serverTime: 0 },
      {
        type: 'welcome',
        session: 'id',
        user: 'ada',
        expiresAt: SITE_CLAIMS.exp,
        serverTime: 0,
        channels: { chat: 'r', 'room:1': 'r' },
        pingSeconds: 15,
      },
    );
    assert.match(lastEventId, /^[\w-]+\.0$/);
    assert.ok(stream.retry !== undefined && stream.retry >= 1_000 && stream.retry <= 5_000);
    assert.ok(Math.abs(welcome.serverTime - Date.now() / 1000) < 5);
    const { date, ...headers } = stream.headers;
    assert.ok(date);
    assert.deepEqual(headers, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      vary: 'Origin',
      'access-control-allow-origin': APP,
      'access-control-allow-credentials': 'true',
      connection: 'close',
    });
  });

  it('has each message of its channels once, as postern.v1 has it, with its cursor as the id', async () => {
    const gateway = await startPreauth(scope);
    const stream = await open(gateway.port, { channels: ['chat', 'room:1', 'chat'] });
    await stream.said('welcome');
    const { client } = await enterByBearer(gateway.port, {});
    for (const [id, channel] of ['chat', 'room:1'].entries())
      client.send(JSON.stringify({ type: 'subscribe', id: id + 1, channel }));
    await client.message();
    await client.message();

    for (const channel of ['chat', 'room:2', 'room:1']) await publish(gateway, channel, 'a\nb\0');
    for (const channel of ['chat', 'room:1']) {
      const { type, data, lastEventId } = await stream.event();
      assert.equal(data, await client.message());
      const { channel: named, payload, cursor } = JSON.parse(data);
      assert.deepEqual([type, named, payload, cursor], ['message', channel, 'a\nb\0', lastEventId]);
    }
    assert.equal(stream.events.length, 0);
    await client.close();
  });

  it('is a session as others are: in the log, in presence, on the meta channel, for the program', async () => {
    const sessions: ProgramSession[] = [];
    const gateway = await startPreauth(
      scope,
      { POSTERN_META_CHANNEL: 'room:meta', POSTERN_META_CLOSE: 'true' },
      { onSession: (session) => void sessions.push(session) },
    );
    const meta = await open(gateway.port, { channels: ['room:meta'] });
    await meta.said('welcome');
    const stream = await open(gateway.port, { channels: ['chat', 'room:1'] });
    const { session } = await stream.said('welcome');
    const started = gateway.events.findLast(({ event }) => event === 'session_started');
    assert.deepEqual(
      { ...started?.fields, address: undefined },
      { session, user: 'ada', protocol: 'sse', channels: 2, address: undefined },
    );
    const present = await until('its row', async () => {
      const rows = await gateway.query('SELECT * FROM postern.sessions WHERE session = $1', [
        session,
      ]);
      return rows[0];
    });
    assert.deepEqual([present['protocol'], present['sub']], ['sse', 'ada']);
    assert.deepEqual(sessions.at(-1)?.channels, ['chat', 'room:1']);
    // Of its own beginning the first one hears, too.
    await meta.said('message');
    const opened = await meta.said('message');
    assert.equal(opened['payload'], 'chat,room:1');
    sessions.at(-1)?.end();
    assert.deepEqual(await stream.said('closed'), {
      type: 'closed',
      code: 3003,
      reason: 'Forbidden',
      retry: 'no',
    });
    await stream.ended();
    assert.equal((await meta.said('message'))['payload'], 'chat,room:1');
    const { code, by } = (await sessions.at(-1)?.ended) ?? assert.fail();
    assert.deepEqual([code, by], [3003, 'gateway']);
  });

  it('ends with its token: a warning, then expired, and nothing after it', async () => {
    const gateway = await startPreauth(scope);
    const exp = inSeconds(2);
    const stream = await open(gateway.port, { bearer: await signToken({ ...SITE_CLAIMS, exp }) });
    await stream.said('welcome');
    const { seconds } = await stream.said('expiring');
    assert.ok(typeof seconds === 'number' && seconds <= 2);
    assert.deepEqual(await stream.said('expired'), {
      type: 'expired',
      code: 3001,
      reason: 'JWT expired',
      retry: 'new-token',
    });
    await publish(gateway, 'chat', 'too late');
    await stream.ended();
    assert.ok(Date.now() / 1000 - exp < 3);
    assert.equal(stream.events.length, 0);
    assert.equal((await gateway.logged('session_ended'))['code'], 3001);
  });

  const ends = [
    ['the user is revoked', `SELECT postern.revoke(sub => 'ada')`, [4500, 'Revoked', 'no']],
    [
      'an operator says so',
      `SELECT postern.disconnect(sub => 'ada')`,
      [4009, 'Disconnected', 'yes'],
    ],
  ] as const;
  for (const [why, sql, [code, reason, retry]] of ends)
    it(`ends when ${why}, and says so`, async () => {
      const gateway = await startPreauth(scope);
      const stream = await open(gateway.port);
      await stream.said('welcome');
      await gateway.query(sql);
      assert.deepEqual(await stream.said('closed'), { type: 'closed', code, reason, retry });
      await stream.ended();
    });

  it('ends at its greatest age, and when the gateway stops, and says so', async () => {
    const gateway = await startPreauth(scope, { POSTERN_MAX_CONNECTION_AGE: '1' });
    const old = await open(gateway.port);
    await old.said('welcome');
    assert.deepEqual([(await old.said('closed'))['code'], old.text.includes('4002')], [4002, true]);
    await old.ended();
    const young = await open(gateway.port);
    await young.said('welcome');
    await gateway.gateway.stop();
    assert.deepEqual(await young.said('closed'), {
      type: 'closed',
      code: 1001,
      reason: 'Going away',
      retry: 'yes',
    });
    await young.ended();
  });

  it('tells of a break of the feed, and then of the gap of each channel', async () => {
    const gateway = await startPreauth(scope);
    const stream = await open(gateway.port, { channels: ['chat', 'room:1'] });
    const { lastEventId: before } = await stream.event();
    await killListener(gateway.query);
    assert.equal((await stream.said('status'))['database'], 'down');
    assert.equal((await stream.said('status'))['database'], 'up');
    const gaps = [await stream.event(), await stream.event()];
    assert.deepEqual(
      gaps.map(({ type, data }) => [type, JSON.parse(data).channel, JSON.parse(data).reason]),
      [
        ['gap', 'chat', 'feed_lost'],
        ['gap', 'room:1', 'feed_lost'],
      ],
    );
    // Whoever is cut off between the two must be told of both once more.
    assert.deepEqual(
      gaps.map(({ lastEventId }) => lastEventId),
      [before, before],
    );
    await publish(gateway, 'chat', 'after');
    assert.equal((await stream.said('message'))['payload'], 'after');
    assert.notEqual(stream.lastEventId.split('.')[0], before.split('.')[0]);
  });
});
