import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';

import type { Connection } from '#client/connection.js';
import { trouble } from '#client/errors.js';
import { Subscriptions } from '#client/subscriptions.js';

import { connect, connectAgain } from './support/connections.ts';
import type { TestConnection } from './support/connections.ts';
import { fallbacks, follower, gap, message } from './support/subscribers.ts';
import { pass } from './support/time.ts';

/** All that is followed, over one open connection; `reopen` brings another one. */
function follow(t: TestContext) {
  let current: TestConnection = connect(t);
  let open: Connection | undefined = current.connection;
  current.socket.welcome();
  const others = fallbacks();
  const all = new Subscriptions(() => open, others);
  return {
    all,
    others,
    socket: () => current.socket,
    /** What the client says until the next moment. */
    news: () => {
      pass(t, 1);
      return current.socket.news();
    },
    lose: () => {
      current.socket.end(1012);
      open = undefined;
      all.lose();
    },
    reopen: () => {
      current = connectAgain();
      open = current.connection;
      current.socket.welcome();
      all.open();
    },
    hear: (said: Parameters<Subscriptions['hear']>[0]) => all.hear(said),
  };
}

describe('Subscriptions', () => {
  it('asks once for a channel that several follow, and for each of several', (t) => {
    const { all, news } = follow(t);
    const one = all.add('a', follower().subscriber);
    assert.equal(all.add('a', follower().subscriber), one);
    all.add('b', follower({ from: 'c5' }).subscriber);
    assert.deepEqual(news(), [
      { type: 'subscribe', channel: 'a' },
      { type: 'subscribe', channel: 'b', from: 'c5' },
    ]);
    all.add('a', follower().subscriber);
    assert.deepEqual(news(), []);
  });

  it('says nothing when somebody leaves and comes back in one turn', (t) => {
    const { all, news, socket } = follow(t);
    const { subscriber, told } = follower();
    const subscription = all.add('a', subscriber);
    pass(t, 1);
    socket().reply('subscribe', { type: 'ok', cursor: 'c0' });
    news();
    all.remove(subscription, subscriber);
    assert.equal(all.add('a', subscriber), subscription);
    assert.deepEqual(news(), []);
    all.hear(message('a', 1));
    assert.deepEqual(told, ['on c0 undefined', 'on c0 undefined', '1']);
  });

  it('asks again, from there, for one who has left and comes back with an older cursor', (t) => {
    const { all, news, socket } = follow(t);
    const { subscriber, told } = follower();
    const subscription = all.add('a', subscriber);
    pass(t, 1);
    socket().reply('subscribe', { type: 'ok', cursor: 'c0' });
    news();
    all.remove(subscription, subscriber);
    all.hear(message('a', 1));
    all.add('a', { ...subscriber, from: 'c0' });
    assert.deepEqual(news(), [
      { type: 'unsubscribe', channel: 'a' },
      { type: 'subscribe', channel: 'a', from: 'c0' },
    ]);
    socket().tell({ type: 'ok', id: 3, cursor: 'c0', recovered: true });
    all.hear(message('a', 1));
    assert.deepEqual(told, ['on c0 undefined', 'on c0 true', '1']);
  });

  it('says nothing of one who comes and leaves in one turn', (t) => {
    const { all, news } = follow(t);
    const { subscriber } = follower();
    all.remove(all.add('a', subscriber), subscriber);
    assert.deepEqual(news(), []);
  });

  it('ends a channel when its last subscriber has left', (t) => {
    const { all, news } = follow(t);
    const first = follower().subscriber;
    const second = follower().subscriber;
    const subscription = all.add('a', first);
    all.add('a', second);
    news();
    all.remove(subscription, first);
    assert.deepEqual(news(), []);
    all.remove(subscription, second);
    assert.deepEqual(news(), [{ type: 'unsubscribe', channel: 'a' }]);
    all.remove(subscription, second);
    assert.deepEqual(news(), []);
  });

  it('delivers nothing between leaving and the ok of coming back, nor takes the first ok for it', (t) => {
    const { all, news, socket } = follow(t);
    const first = follower();
    const subscription = all.add('a', first.subscriber);
    pass(t, 1);
    const [{ id: firstId } = {}] = socket().ofType('subscribe');
    all.remove(subscription, first.subscriber);
    assert.deepEqual(news(), [
      { type: 'subscribe', channel: 'a' },
      { type: 'unsubscribe', channel: 'a' },
    ]);
    const second = follower();
    const again = all.add('a', second.subscriber);
    assert.notEqual(again, subscription);
    pass(t, 1);
    socket().tell({ type: 'ok', id: firstId, cursor: 'c0' });
    all.hear(message('a', 1));
    all.hear(gap('a', 2));
    assert.equal(again.phase, 'asking');
    socket().reply('subscribe', { type: 'ok', cursor: 'c2' });
    all.hear(message('a', 3));
    assert.deepEqual([first.told, second.told], [[], ['on c2 undefined', '3']]);
  });

  it('does not end for what was answered to one who had left by then', (t) => {
    const { all, news, socket } = follow(t);
    const first = follower();
    const subscription = all.add('a', first.subscriber);
    pass(t, 1);
    all.remove(subscription, first.subscriber);
    pass(t, 1);
    const second = follower();
    all.add('a', second.subscriber);
    pass(t, 1);
    socket().tell({ type: 'error', id: 1, code: 'scope_denied', message: '', retry: 'no' });
    socket().reply('subscribe', { type: 'ok', cursor: 'c0' });
    all.hear(message('a', 1));
    assert.deepEqual([first.told, second.told, news().length], [[], ['on c0 undefined', '1'], 3]);
  });

  it('asks on a new connection for all of it again, from where each had come', (t) => {
    const { all, news, socket, lose, reopen } = follow(t);
    const { subscriber, told } = follower();
    all.add('a', subscriber);
    all.add('b', follower().subscriber);
    pass(t, 1);
    socket().tell({ type: 'ok', id: 1, cursor: 'c0' });
    all.hear(message('a', 1));
    lose();
    const left = follower().subscriber;
    all.remove(all.add('left', left), left);
    pass(t, 10);
    all.add('c', follower().subscriber);
    reopen();
    assert.deepEqual(news(), [
      { type: 'subscribe', channel: 'a', from: 'c1' },
      { type: 'subscribe', channel: 'b' },
      { type: 'subscribe', channel: 'c' },
    ]);
    socket().tell({ type: 'ok', id: 1, cursor: 'c1', recovered: true });
    all.hear(message('a', 2));
    assert.deepEqual(told, ['on c0 undefined', '1', 'on c1 true', '2']);
  });

  it('shows the old cursor again when the connection breaks between the ok and its gap', (t) => {
    const { all, news, socket, lose, reopen } = follow(t);
    all.add('a', follower({ from: 'old' }).subscriber);
    assert.deepEqual(news(), [{ type: 'subscribe', channel: 'a', from: 'old' }]);
    socket().tell({ type: 'ok', id: 1, cursor: 'now', recovered: false });
    lose();
    reopen();
    assert.deepEqual(news(), [{ type: 'subscribe', channel: 'a', from: 'old' }]);
  });

  it('asks again after a second for what was refused for now', (t) => {
    const { all, news, socket } = follow(t);
    const { subscriber, told } = follower();
    all.add('a', subscriber);
    pass(t, 1);
    socket().reply('subscribe', { type: 'error', code: 'rate_limited', message: '', retry: 'yes' });
    socket().news();
    pass(t, 900);
    assert.deepEqual(socket().news(), []);
    pass(t, 200);
    assert.deepEqual(news(), [{ type: 'subscribe', channel: 'a' }]);
    assert.deepEqual(told, []);
  });

  it('does not ask again for what nobody wants by then', (t) => {
    const { all, news, socket } = follow(t);
    const { subscriber } = follower();
    const subscription = all.add('a', subscriber);
    pass(t, 1);
    socket().reply('subscribe', { type: 'error', code: 'rate_limited', message: '', retry: 'yes' });
    socket().news();
    all.remove(subscription, subscriber);
    pass(t, 2_000);
    assert.deepEqual(news(), []);
  });

  it('ends what is not granted, tells why, and asks for it no more', (t) => {
    for (const retry of ['no', 'new-token']) {
      const { all, news, socket, lose, reopen } = follow(t);
      const { subscriber, told } = follower();
      all.add('a', subscriber);
      pass(t, 1);
      socket().reply('subscribe', { type: 'error', code: 'scope_denied', message: '', retry });
      lose();
      reopen();
      assert.deepEqual(news(), []);
      assert.deepEqual(told, ['error scope_denied', 'end scope_denied']);
    }
  });

  it('ends what is granted no more, and takes a new subscriber for a first one', (t) => {
    const { all, news, socket } = follow(t);
    const { subscriber, told } = follower();
    const subscription = all.add('a', subscriber);
    pass(t, 1);
    socket().reply('subscribe', { type: 'ok', cursor: 'c0' });
    all.hear({ type: 'unsubscribed', channel: 'a', code: 'scope_denied', reason: 'Forbidden' });
    all.hear(message('a', 1));
    all.hear({ type: 'unsubscribed', channel: 'a', code: 'scope_denied', reason: 'Forbidden' });
    assert.deepEqual(told, ['on c0 undefined', 'error scope_denied', 'end scope_denied']);
    news();
    assert.notEqual(all.add('a', subscriber), subscription);
    assert.deepEqual(news(), [{ type: 'subscribe', channel: 'a' }]);
  });

  it('hears what is said of no channel of its own, or of none, without a word', (t) => {
    const { all, hear } = follow(t);
    const { subscriber, told } = follower();
    all.add('a', subscriber);
    hear(message('b', 1));
    hear(gap('b', 1));
    hear({ type: 'unsubscribed', channel: 'b', code: 'scope_denied', reason: '' });
    hear({ type: 'status', database: 'down' });
    for (const name of ['__proto__', 'constructor', 'toString']) hear(message(name, 1));
    assert.deepEqual(told, []);
  });

  it('follows channels that are named as what every object has', (t) => {
    const names = ['__proto__', 'constructor', 'hasOwnProperty', 'toString'];
    const { all, news, socket } = follow(t);
    const followers = names.map((name) => {
      const { subscriber, told } = follower();
      return { name, subscriber, told, subscription: all.add(name, subscriber) };
    });
    assert.deepEqual(
      news(),
      names.map((channel) => ({ type: 'subscribe', channel })),
    );
    names.forEach((name, at) => {
      socket().tell({ type: 'ok', id: at + 1, cursor: 'c0' });
      all.hear(message(name, at));
    });
    for (const [at, { told }] of followers.entries())
      assert.deepEqual(told, ['on c0 undefined', String(at)]);
    for (const { subscription, subscriber } of followers) all.remove(subscription, subscriber);
    assert.deepEqual(
      news(),
      names.map((channel) => ({ type: 'unsubscribe', channel })),
    );
    assert.equal(Object.getPrototypeOf({}), Object.prototype);
  });

  it('tells all of them when it is closed, and says nothing after that', (t) => {
    const { all, news } = follow(t);
    const first = follower();
    const second = follower();
    all.add('a', first.subscriber);
    all.add('b', second.subscriber);
    all.close(trouble('closed'));
    assert.deepEqual([first.told, second.told], [['end closed'], ['end closed']]);
    assert.deepEqual(news(), []);
  });
});
