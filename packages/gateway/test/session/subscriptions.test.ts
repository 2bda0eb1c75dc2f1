import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { ChannelMode } from '@postern/client/protocol';
import { narrowed, scopeRules } from '#gateway/auth/scopes.js';
import type { V1Grant } from '#gateway/session/v1.js';
import { ada, Antechamber } from './antechamber.ts';

const NOW = 1_800_000_000;

function grantOf(channels: Readonly<Record<string, ChannelMode>>): V1Grant {
  return narrowed(scopeRules({ channels }, { sub: 'ada', patterns: true }), ['*']);
}

/** A session that may read `news` and rooms, and write to `inbox`. */
function setUp() {
  const chamber = new Antechamber();
  let next = grantOf({});
  const visit = chamber.enter({
    grant: grantOf({ news: 'r', 'room:*': 'rw', inbox: 'w' }),
    expiresAt: NOW + 600,
    refresh: () => Promise.resolve({ ...ada, grant: next, expiresAt: NOW + 1_200 }),
  });
  const { socket, say } = visit;
  let id = 0;
  const subscribe = (channel: unknown, from?: unknown): void =>
    say({ type: 'subscribe', id: ++id, channel, from });
  const unsubscribe = (channel: string): void => say({ type: 'unsubscribe', id: ++id, channel });
  const refresh = async (grant: V1Grant): Promise<void> => {
    next = grant;
    say({ type: 'auth', id: ++id, token: 't' });
    await turn();
  };
  const publish = (channel: string): void =>
    chamber.hub.broadcast(channel, () => frameOf(`{"about":"${channel}"}`));
  const heard = (): readonly unknown[] =>
    socket.messages.flatMap((message) => Object(message).about ?? []);
  const replies = (): readonly unknown[] => socket.messages.slice(1);
  return { chamber, ...visit, subscribe, unsubscribe, refresh, publish, heard, replies };
}

function frameOf(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)]);
}

function errorOf(id: number, code: string, message: string) {
  return { type: 'error', id, code, message, retry: 'no' };
}

describe('A subscription', () => {
  it('brings the messages of its channel, and of no other, from its reply on', () => {
    const { chamber, subscribe, publish, heard, replies } = setUp();
    publish('news');
    subscribe('news');
    publish('news');
    publish('room:1');
    assert.deepEqual(heard(), ['news']);
    assert.deepEqual(replies()[0], { type: 'ok', id: 1, cursor: chamber.history.cursor });
  });

  it('may be of a channel that a pattern grants', () => {
    const { subscribe, publish, heard } = setUp();
    subscribe('room:1');
    publish('room:1');
    publish('room:2');
    assert.deepEqual(heard(), ['room:1']);
  });

  it('counts once, however often it is asked for, and ends as often', () => {
    const { subscribe, unsubscribe, publish, heard, replies } = setUp();
    subscribe('news');
    subscribe('news');
    publish('news');
    unsubscribe('news');
    unsubscribe('news');
    publish('news');
    assert.deepEqual(heard(), ['news']);
    const types = replies().map((reply) => Object(reply).type);
    assert.deepEqual(types, ['ok', 'ok', undefined, 'ok', 'ok']);
  });

  it('is refused for what is not granted for reading, or has no such name', () => {
    const { chamber, subscribe, replies } = setUp();
    const unnameable =
      'A channel is named by 1 to 200 bytes, without *, {, } and control characters';
    for (const channel of ['other', 'inbox', 'room', 'room:*', 'x'.repeat(201), '', 7])
      subscribe(channel);
    assert.deepEqual(replies(), [
      errorOf(1, 'scope_denied', 'Forbidden'),
      errorOf(2, 'scope_denied', 'Forbidden'),
      errorOf(3, 'scope_denied', 'Forbidden'),
      errorOf(4, 'bad_message', unnameable),
      errorOf(5, 'bad_message', unnameable),
      errorOf(6, 'bad_message', 'A channel is a text that is not empty'),
      errorOf(7, 'bad_message', 'A channel is a text that is not empty'),
    ]);
    assert.equal(chamber.hub.size, 0);
  });

  it('is one of so many, and makes room when it ends', () => {
    const { subscribe, unsubscribe, replies } = setUp();
    for (const channel of ['news', 'room:1', 'room:2', 'room:3', 'news']) subscribe(channel);
    unsubscribe('news');
    subscribe('room:3');
    const types = replies().map((reply) => Object(reply).code ?? Object(reply).type);
    assert.deepEqual(types, ['ok', 'ok', 'ok', 'subscription_limit', 'ok', 'ok', 'ok']);
  });

  it('with a cursor that is not known is told so, and where it is whole again', () => {
    const { chamber, subscribe, publish, heard, replies } = setUp();
    const { cursor } = chamber.history;
    subscribe('news', 'somewhere');
    publish('news');
    subscribe('room:1', '');
    assert.deepEqual(replies(), [
      { type: 'ok', id: 1, recovered: false, cursor },
      { type: 'gap', channel: 'news', reason: 'unknown_cursor', cursor },
      { about: 'news' },
      errorOf(2, 'bad_message', 'A cursor is a text'),
    ]);
    assert.deepEqual(heard(), ['news']);
  });

  it('ends with its session', () => {
    const { chamber, session, subscribe, publish, heard } = setUp();
    subscribe('news');
    session.lose(1000);
    publish('news');
    assert.deepEqual([heard(), chamber.hub.size], [[], 0]);
  });

  it('brings nothing beyond the end of the token, whether that was noticed or not', () => {
    const { chamber, subscribe, publish, heard, socket } = setUp();
    subscribe('news');
    chamber.clock.pass(600_000);
    publish('news');
    assert.deepEqual(heard(), []);
    chamber.wheel.tick();
    publish('news');
    assert.deepEqual(heard(), []);
    assert.deepEqual(socket.done, ['close 3001 JWT expired']);
  });
});

describe('A subscription whose session shows another token', () => {
  it('goes on where that grants it, and otherwise ends, and its client is told', async () => {
    const { subscribe, refresh, publish, heard, replies } = setUp();
    for (const channel of ['news', 'room:1', 'room:2']) subscribe(channel);
    await refresh(grantOf({ 'room:1': 'r', 'room:2': 'w', news: 'w' }));
    for (const channel of ['news', 'room:1', 'room:2']) publish(channel);
    assert.deepEqual(heard(), ['room:1']);
    const lost = { type: 'unsubscribed', code: 'scope_denied', reason: 'Forbidden' };
    assert.deepEqual(replies().slice(3, 6), [
      { type: 'ok', id: 4, expiresAt: NOW + 1_200, channels: { 'room:1': 'r', 'room:2': 'w' } },
      { ...lost, channel: 'news' },
      { ...lost, channel: 'room:2' },
    ]);
  });

  it('does not come back by asking again', async () => {
    const { subscribe, refresh, publish, heard, replies } = setUp();
    subscribe('news');
    await refresh(grantOf({ 'room:*': 'r' }));
    subscribe('news');
    publish('news');
    assert.deepEqual(heard(), []);
    assert.deepEqual(replies().at(-1), errorOf(3, 'scope_denied', 'Forbidden'));
  });
});
