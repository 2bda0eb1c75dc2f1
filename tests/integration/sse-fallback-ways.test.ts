import assert from 'node:assert/strict';
import { after, afterEach, describe, it } from 'node:test';

import { eventStream } from '#client/sse.js';

import { APP, FRAME, SITE_CLAIMS, startPreauth } from '../support/preauth.ts';
import { Surface } from '../support/stream-surface.ts';
import type { SurfaceOptions } from '../support/stream-surface.ts';
import { BEARER, publishMany } from '../support/streams.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { embedTickets, tickets } from '../support/way-in.ts';

const gateway = await startPreauth(
  { after },
  { POSTERN_SINGLE_USE: 'true', POSTERN_SUBSCRIPTIONS_PER_SESSION: '3' },
);
const surfaces: Surface[] = [];
type Streams = ReturnType<typeof eventStream>;

const count = (name: string): number => gateway.events.filter(({ event }) => event === name).length;

function connect(Socket: Streams, options: SurfaceOptions, port = gateway.port): Surface {
  const surface = new Surface(Socket, port, options);
  surfaces.push(surface);
  return surface;
}

/** What a browser adds to the requests of a page. */
const page =
  (origin: string, cookie: () => string): typeof fetch =>
  (target, init) =>
    fetch(target, {
      ...init,
      headers: {
        ...Object(init?.headers),
        Origin: origin,
        ...(init?.credentials === 'include' ? { Cookie: cookie() } : {}),
      },
    });

/** A page that gets a ticket for each connection. */
function browser() {
  let cookie = '';
  const Socket = eventStream({ fetch: page(APP, () => cookie) });
  return async (wishes: NonNullable<SurfaceOptions['wishes']>): Promise<Surface> => {
    const { token, cookie: fresh } = await tickets(gateway.port);
    cookie = fresh;
    return connect(Socket, { offer: `postern.csrf.${token}`, wishes });
  };
}

const recovered = (surface: Surface): readonly unknown[] =>
  [...surface.answers.values()].map((answer) => answer['recovered']);

afterEach(async () => {
  for (const surface of surfaces.splice(0)) surface.close();
  await until('the end of all', () => count('session_ended') === count('session_started'));
});

describe('A stream of events in place of a WebSocket, by a ticket', () => {
  it('makes its client come back at once for another channel, with another ticket, and loses nothing', async () => {
    const open = browser();
    const first = await open({ chat: undefined });
    await first.answered('chat');
    first.subscribe('room:1');
    assert.equal(await first.ended(), 3001);
    await publishMany(gateway, ['chat'], { last: 2 });

    const second = await open({ chat: first.cursors.get('chat'), 'room:1': undefined });
    await second.answered('chat', 'room:1');
    assert.deepEqual(recovered(second), [true, undefined]);
    assert.deepEqual(await second.numbers(2), [
      ['chat', 1],
      ['chat', 2],
    ]);
    await publishMany(gateway, ['room:1'], { first: 3, last: 3 });
    assert.deepEqual(await second.numbers(1), [['room:1', 3]]);
  });

  it('goes on when a channel is left, and ends with the last one of them only when one is wanted again', async () => {
    const surface = await browser()({ chat: undefined, 'room:1': undefined });
    await surface.answered('chat', 'room:1');
    surface.say('unsubscribe', { channel: 'chat' });
    await surface.said('ok');
    surface.subscribe('chat');
    await surface.answered('chat');
    const ended = count('session_ended');
    for (const channel of ['chat', 'room:1']) surface.say('unsubscribe', { channel });
    await until('the end of the stream', () => count('session_ended') > ended);
    surface.say('ping');
    for (const type of ['ok', 'ok', 'pong']) await surface.said(type);
    surface.subscribe('chat');
    assert.equal(await surface.ended(), 3001);
  });

  it('is that of an embed token as well, and says why it does not count', async () => {
    const Socket = eventStream({ fetch: page(FRAME, () => assert.fail('No cookie is kept')) });
    const { token } = await embedTickets(gateway.port);
    const surface = connect(Socket, {
      offer: `postern.embed.${token}`,
      wishes: { chat: undefined },
    });
    await surface.answered('chat');
    const again = connect(Socket, { offer: `postern.embed.${token}` });
    surface.close();
    assert.equal(await again.ended().catch(() => again.end), 4010);
  });
});

describe('A stream of events in place of a WebSocket, by a bearer', () => {
  it('is told that it ends, and goes on by another token without a loss', async () => {
    const wishes = { chat: undefined, 'room:1': undefined };
    const bearer = await signToken({ ...SITE_CLAIMS, exp: inSeconds(20) });
    const surface = connect(eventStream(), { bearer, wishes });
    await surface.answered('chat', 'room:1');
    await surface.said('ok');
    const { seconds } = await surface.said('expiring');
    assert.ok(typeof seconds === 'number' && seconds <= 20);
    const id = surface.say('auth', { token: BEARER });
    await publishMany(gateway, ['chat', 'room:1'], { last: 4 });
    const channels = { chat: 'r', 'room:1': 'r' };
    assert.deepEqual(await surface.said('ok'), {
      type: 'ok',
      id,
      expiresAt: SITE_CLAIMS.exp,
      channels,
    });
    assert.deepEqual(
      (await surface.numbers(4)).map(([, n]) => n),
      [1, 2, 3, 4],
    );
  });

  it('ends with its token', async () => {
    const bearer = await signToken({ ...SITE_CLAIMS, exp: inSeconds(2) });
    const surface = connect(eventStream(), { bearer, wishes: { chat: undefined } });
    assert.equal(await surface.ended(), 3001);
    assert.equal(surface.end?.reason, 'JWT expired');
  });

  it('takes more channels, and loses nothing of those that it has', async () => {
    const surface = connect(eventStream(), { bearer: BEARER, wishes: { chat: undefined } });
    await surface.answered('chat');
    await surface.said('ok');
    surface.subscribe('room:1');
    await publishMany(gateway, ['chat'], { last: 3 });
    await surface.answered('room:1');
    await publishMany(gateway, ['chat', 'room:1'], { first: 4, last: 5 });
    assert.deepEqual(await surface.numbers(5), [
      ['chat', 1],
      ['chat', 2],
      ['chat', 3],
      ['chat', 4],
      ['room:1', 5],
    ]);
    assert.deepEqual(surface.welcomes.at(-1)?.['channels'], { chat: 'r', 'room:1': 'r' });
  });

  it('learns which of its channels is not granted, or none, and keeps the others', async () => {
    const surface = connect(eventStream(), {
      bearer: BEARER,
      wishes: { chat: undefined, 'others:1': undefined, 'room:*': undefined },
    });
    const [chat, other, none] = await surface.answered('chat', 'others:1', 'room:*');
    assert.equal(chat?.['type'], 'ok');
    const refused = { type: 'error', message: 'Forbidden', retry: 'no' };
    assert.deepEqual(other, { ...refused, code: 'scope_denied' });
    assert.deepEqual(none, { ...refused, code: 'bad_message', message: 'Bad message' });
    surface.subscribe('others:1');
    assert.equal((await surface.answered('others:1'))[0]?.['code'], 'scope_denied');
    await publishMany(gateway, ['chat'], { last: 1 });
    await surface.said('ok');
    assert.deepEqual(await surface.numbers(1), [['chat', 1]]);
  });

  it('is told that it has too many channels, and keeps those that it may have', async () => {
    const channels = [1, 2, 3, 4].map((n) => `room:${n}`);
    const wishes = Object.fromEntries(channels.map((channel) => [channel, undefined]));
    const surface = connect(eventStream(), { bearer: BEARER, wishes });
    const answers = await surface.answered(...channels);
    assert.deepEqual(
      answers.map((answer) => answer?.['code']),
      [undefined, undefined, undefined, 'subscription_limit'],
    );
  });

  it('says what is wrong with a token as a WebSocket would: by the close code', async () => {
    const token = await signToken(SITE_CLAIMS, { key: 'another-secret-of-thirty-two-bytes' });
    const forged = connect(eventStream(), { bearer: token, wishes: { chat: undefined } });
    assert.equal(await forged.ended(), 4502);
    assert.equal(forged.end?.reason, 'Token invalid');
    const old = await signToken({ ...SITE_CLAIMS, exp: inSeconds(-60) });
    const expired = connect(eventStream(), { bearer: old, wishes: { chat: undefined } });
    assert.equal(await expired.ended(), 3001);
    const none = connect(eventStream(), {});
    await until('its opening', () => none.isOpen);
    none.subscribe('chat');
    assert.equal(await none.ended(), 3000);
    const Foreign = eventStream({ fetch: page('https://evil.test', () => '') });
    const foreign = connect(Foreign, { bearer: BEARER, wishes: { chat: undefined } });
    assert.equal(await foreign.ended(), 3003);
    assert.equal(foreign.end?.reason, 'Origin not allowed');
  });

  it('ends as the gateway says, or with 1006 where there is none', async () => {
    const Socket = eventStream();
    const claims = { ...SITE_CLAIMS, sub: 'bo' };
    const options = { bearer: await signToken(claims), wishes: { chat: undefined } };
    const surface = connect(Socket, options);
    await surface.answered('chat');
    await gateway.query(`SELECT postern.disconnect(sub => 'bo')`);
    assert.equal(await surface.ended(), 4009);
    assert.equal(surface.end?.reason, 'Disconnected');
    const lost = connect(Socket, options, 1);
    assert.equal(await lost.ended(), 1006);
    assert.deepEqual(lost.welcomes, []);
    // What it wanted is not forgotten.
    const later = connect(Socket, { ...options, wishes: { chat: surface.cursors.get('chat') } });
    await later.answered('chat');
    assert.deepEqual(recovered(later), [true]);
  });
});
