import assert from 'node:assert/strict';
import { after, afterEach, describe, it } from 'node:test';

import { eventStream } from '#client/sse.js';

import { killListener } from '../support/failure-causes.ts';
import { SITE_CLAIMS, startPreauth } from '../support/preauth.ts';
import { cutAfter, Surface } from '../support/stream-surface.ts';
import type { SurfaceOptions } from '../support/stream-surface.ts';
import { BEARER, publishMany } from '../support/streams.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/wait.ts';

const gateway = await startPreauth({ after }, { POSTERN_HISTORY_BYTES: '100000' });
const surfaces: Surface[] = [];
const CHANNELS = ['chat', 'room:1'] as const;
const BOTH = { chat: undefined, 'room:1': undefined } as const;

/** Connects, and subscribes to these channels as soon as it is welcomed. */
function connect(
  Socket: ReturnType<typeof eventStream>,
  wishes: NonNullable<SurfaceOptions['wishes']>,
  port = gateway.port,
): Surface {
  const surface = new Surface(Socket, port, { bearer: BEARER, wishes });
  surfaces.push(surface);
  return surface;
}

/** The same, once that was answered. */
async function follow(...options: Parameters<typeof connect>): Promise<Surface> {
  const surface = connect(...options);
  await surface.answered(...Object.keys(options[1]));
  assert.equal((await surface.said('ok'))['id'], 1);
  return surface;
}

const count = (name: string): number => gateway.events.filter(({ event }) => event === name).length;
const streams = (): number => count('session_started');

/** The cursors that a client would come back with. */
const kept = ({ cursors }: Surface): Readonly<Record<string, string>> =>
  Object.fromEntries(cursors);

afterEach(async () => {
  for (const surface of surfaces.splice(0)) surface.close();
  await until('the end of all streams', () => count('session_ended') === streams());
});

describe('A stream of events in place of a WebSocket', () => {
  it('is told what a WebSocket would tell a client that reads', async () => {
    const before = streams();
    const surface = await follow(eventStream(), BOTH);
    const [forNow, welcome] = surface.welcomes;
    assert.deepEqual(
      { ...forNow, serverTime: 0 },
      {
        type: 'welcome',
        session: '',
        serverTime: 0,
        channels: {},
        pingSeconds: 15,
        maxPayloadBytes: 0,
      },
    );
    const { session, serverTime, ...rest } = welcome ?? {};
    const started = gateway.events.findLast(({ event }) => event === 'session_started');
    assert.equal(session, started?.fields['session']);
    assert.equal(typeof serverTime, 'number');
    assert.deepEqual(rest, {
      type: 'welcome',
      user: 'ada',
      expiresAt: SITE_CLAIMS.exp,
      channels: { chat: 'r', 'room:1': 'r' },
      pingSeconds: 15,
      maxPayloadBytes: 0,
    });
    const [chat, room] = await surface.answered(...CHANNELS);
    assert.deepEqual(chat, { type: 'ok', cursor: room?.['cursor'] });

    await publishMany(gateway, CHANNELS, { last: 4 });
    assert.deepEqual(await surface.numbers(4), [
      ['room:1', 1],
      ['chat', 2],
      ['room:1', 3],
      ['chat', 4],
    ]);
    surface.say('ping');
    await surface.said('pong');
    const id = surface.say('publish', { channel: 'chat', payload: 1 });
    assert.deepEqual(await surface.said('error'), {
      type: 'error',
      id,
      code: 'read_only',
      message: 'A stream of events only reads: nothing can be published by it',
      retry: 'no',
    });
    assert.equal(surface.welcomes.length, 2);
    assert.equal(streams(), before + 1);
  });

  it('is told nothing of a channel that it has left, and all of it from there on when it is back', async () => {
    const before = streams();
    const surface = await follow(eventStream(), BOTH);
    surface.say('unsubscribe', { channel: 'chat' });
    await surface.said('ok');
    const left = surface.cursors.get('chat');
    surface.subscribe('chat', left);
    assert.deepEqual(await surface.answered('chat'), [
      { type: 'ok', recovered: true, cursor: left },
    ]);
    surface.say('unsubscribe', { channel: 'chat' });
    await surface.said('ok');
    await publishMany(gateway, CHANNELS, { last: 3 });
    assert.deepEqual(await surface.numbers(2), [
      ['room:1', 1],
      ['room:1', 3],
    ]);
    surface.subscribe('chat');
    const [answer] = await surface.answered('chat');
    assert.deepEqual(Object.keys(answer ?? {}), ['type', 'cursor']);
    await publishMany(gateway, CHANNELS, { first: 4, last: 5 });
    assert.deepEqual(await surface.numbers(2), [
      ['chat', 4],
      ['room:1', 5],
    ]);
    // What it missed meanwhile is not told by a stream that stands: it says so.
    surface.say('unsubscribe', { channel: 'chat' });
    await surface.said('ok');
    surface.subscribe('chat', left);
    const [late] = await surface.answered('chat');
    const { cursor } = await surface.said('gap');
    assert.deepEqual(late, { type: 'ok', recovered: false, cursor });
    assert.equal(streams(), before + 1);
  });

  it('that is cut comes back and is told all that it missed of all channels, once and in order', async () => {
    const proxy = await tcpProxy({ after }, { port: gateway.port });
    const Socket = eventStream();
    const surface = await follow(Socket, BOTH, proxy.port);
    await publishMany(gateway, ['chat'], { last: 3 });
    await surface.numbers(3);
    proxy.cut();
    assert.equal(await surface.ended(), 1006);
    await publishMany(gateway, CHANNELS, { first: 4, last: 7 });

    // Each shows what it had: of a quiet channel that is the beginning.
    const next = await follow(Socket, kept(surface), proxy.port);
    for (const answer of await next.answered(...CHANNELS))
      assert.equal(answer?.['recovered'], true);
    assert.deepEqual(await next.numbers(4), [
      ['chat', 4],
      ['room:1', 5],
      ['chat', 6],
      ['room:1', 7],
    ]);
    // It was welcomed by the stream itself: what it would want was known from before.
    assert.deepEqual(
      next.welcomes.map(({ channels }) => channels),
      [{ chat: 'r', 'room:1': 'r' }],
    );
  });

  it('loses nothing, and doubles nothing, though it is cut again and again at any byte', async () => {
    let bytes = Infinity;
    const Socket = eventStream({ fetch: cutAfter(() => bytes) });
    const LAST = 60;
    const read: unknown[] = [];
    let surface = await follow(Socket, BOTH);
    surface.close();
    await publishMany(gateway, CHANNELS, { last: LAST });
    for (let attempt = 0; read.length < LAST; attempt += 1) {
      bytes = 300 + ((attempt * 577) % 1_000);
      const next = connect(Socket, kept(surface));
      const isEnough = (): boolean => read.length + next.news.length > LAST;
      await until('its end', () => next.end !== undefined || isEnough());
      next.close();
      for (const { type, payload } of next.news) {
        assert.notEqual(type, 'gap');
        if (type === 'message') read.push(Object(payload).n);
      }
      // What no message came of it has from before.
      for (const channel of CHANNELS)
        if (!next.cursors.has(channel))
          next.cursors.set(channel, surface.cursors.get(channel) ?? '');
      surface = next;
    }
    assert.deepEqual(
      read,
      Array.from({ length: LAST }, (_, index) => index + 1),
    );
  });

  it('is told of a break, and then of the gap of each channel, and with a cursor of before of another', async () => {
    const Socket = eventStream();
    const surface = await follow(Socket, BOTH);
    const old = kept(surface);
    await killListener(gateway.query);
    assert.equal((await surface.said('status'))['database'], 'down');
    assert.equal((await surface.said('status'))['database'], 'up');
    for (const channel of CHANNELS) {
      const { cursor, ...gap } = await surface.said('gap');
      assert.deepEqual(gap, { type: 'gap', channel, reason: 'feed_lost' });
      assert.notEqual(cursor, old[channel]);
    }
    surface.close();
    assert.equal(await surface.ended(), 1000);

    const next = await follow(Socket, old);
    for (const channel of CHANNELS) {
      const { cursor, ...gap } = await next.said('gap');
      assert.deepEqual(gap, { type: 'gap', channel, reason: 'unknown_cursor' });
      const answer = { type: 'ok', recovered: false, cursor };
      assert.deepEqual(await next.answered(channel), [answer]);
    }
  });

  it('that was away during a break is told a gap of each channel, and what is new', async () => {
    const Socket = eventStream();
    const surface = await follow(Socket, BOTH);
    surface.close();
    const restored = gateway.events.length;
    await killListener(gateway.query);
    await until('the feed', () =>
      gateway.events.slice(restored).some(({ event }) => event === 'listener_restored'),
    );
    const next = await follow(Socket, kept(surface));
    for (const channel of CHANNELS) {
      const { channel: of, reason } = await next.said('gap');
      assert.deepEqual([of, reason], [channel, 'unknown_cursor']);
      assert.equal(next.answers.get(channel)?.['recovered'], false);
    }
    await publishMany(gateway, CHANNELS, { last: 2 });
    assert.deepEqual(await next.numbers(2), [
      ['room:1', 1],
      ['chat', 2],
    ]);
  });

  it('is told a gap of that channel alone of which more came than is kept', async () => {
    const Socket = eventStream();
    const witness = await follow(eventStream(), BOTH);
    const surface = await follow(Socket, BOTH);
    surface.close();
    await publishMany(gateway, ['room:1'], { last: 20, padding: 7_000 });
    await publishMany(gateway, ['chat'], { first: 21, last: 21 });
    await witness.numbers(21);

    const next = await follow(Socket, kept(surface));
    const [chat, room] = await next.answered(...CHANNELS);
    assert.equal(chat?.['recovered'], true);
    assert.deepEqual(await next.numbers(1), [['chat', 21]]);
    const { cursor, ...gap } = await next.said('gap');
    assert.deepEqual(gap, { type: 'gap', channel: 'room:1', reason: 'too_old' });
    assert.deepEqual(room, { type: 'ok', recovered: false, cursor });
    await publishMany(gateway, CHANNELS, { first: 22, last: 23 });
    assert.deepEqual(await next.numbers(2), [
      ['chat', 22],
      ['room:1', 23],
    ]);
  });

  it('goes on from one cursor for all that show the same, and tells a gap of each where there are several', async () => {
    const surface = await follow(eventStream(), BOTH);
    await publishMany(gateway, ['chat'], { last: 3 });
    const [one, two] = [await surface.said('message'), await surface.said('message')];
    await surface.said('message');
    const first = String(one['cursor']);
    const other = await follow(eventStream(), {
      chat: first,
      'room:1': first,
      'room:2': undefined,
    });
    const [chat, room, without] = await other.answered('chat', 'room:1', 'room:2');
    assert.deepEqual([chat?.['recovered'], room?.['recovered']], [true, true]);
    assert.deepEqual(Object.keys(without ?? {}), ['type', 'cursor']);
    assert.deepEqual(await other.numbers(2), [
      ['chat', 2],
      ['chat', 3],
    ]);

    // Nobody knows what is between the two.
    const third = await follow(eventStream(), { chat: first, 'room:1': String(two['cursor']) });
    for (const channel of CHANNELS) {
      assert.equal((await third.said('gap'))['reason'], 'unknown_cursor');
      assert.equal(third.answers.get(channel)?.['recovered'], false);
    }
  });
});
