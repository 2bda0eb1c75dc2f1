import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';

import { Core } from '#client/core.js';
import type { CommonOptions } from '#client/core.js';
import { PosternError } from '#client/errors.js';

import { fakeSockets } from './support/fake-socket.ts';
import { withGlobal } from './support/globals.ts';
import { follower } from './support/subscribers.ts';
import { pass, stopTime } from './support/time.ts';

/** A client without promises whose gateway is the test. */
function start(t: TestContext, options: Partial<CommonOptions> = {}) {
  stopTime(t);
  const sockets = fakeSockets();
  const errors: unknown[] = [];
  const how = { token: 'jwt' };
  const core = new Core(
    {
      url: 'https://rt.example.com',
      WebSocket: sockets.Socket,
      backoff: { baseMs: 1 },
      onError: (error) => void errors.push(error),
      ...options,
    },
    { askToken: (_wish, answer) => answer(how.token) },
  );
  const outcomes: string[] = [];
  return {
    core,
    how,
    sockets,
    socket: sockets.last,
    errors,
    outcomes,
    publish: (payload: string, key?: string) =>
      core.publish({ channel: 'chat', payload, key }, (outcome) => {
        outcomes.push(`${payload} ${outcome instanceof PosternError ? outcome.code : 'ok'}`);
      }),
  };
}

describe('A client', () => {
  it('connects with the first that it is asked for, and says all of it once it is welcome', (t) => {
    const { core, sockets, socket, publish } = start(t);
    assert.equal(core.state.name, 'idle');
    pass(t, 1_000);
    assert.equal(sockets.all.length, 0);
    publish('one');
    core.subscribe('chat', follower().subscriber);
    assert.equal(sockets.all.length, 1);
    assert.equal(socket().url, 'wss://rt.example.com/ws');
    socket().open();
    pass(t, 1);
    assert.deepEqual(socket().news(), [{ type: 'auth', token: 'jwt' }]);
    socket().welcome();
    assert.deepEqual(
      socket()
        .said.slice(1)
        .map(({ type }) => type),
      ['subscribe', 'publish'],
    );
  });

  it('says what is published by whoever is told of a loss to the next connection', (t) => {
    const { core, socket, publish, outcomes } = start(t);
    publish('keyed', 'k');
    core.publish({ channel: 'chat', payload: 'first' }, () => void publish('again'));
    socket().welcome();
    const lost = socket();
    lost.news();
    lost.end(1006);
    assert.deepEqual(lost.said, []);
    pass(t, 10);
    socket().welcome();
    const payloads = socket().ofType('publish');
    assert.deepEqual(
      payloads.map(({ payload }) => payload),
      ['keyed', 'again'],
    );
    for (const { id } of payloads) socket().tell({ type: 'ok', id });
    assert.deepEqual(outcomes, ['keyed ok', 'again ok']);
  });

  it('is closed for good by whoever is told of a loss', (t) => {
    const { core, sockets, socket } = start(t);
    core.publish({ channel: 'chat', payload: 1 }, () => core.close());
    socket().welcome();
    socket().end(1006);
    pass(t, 60_000);
    assert.deepEqual(core.state, { name: 'closed' });
    assert.equal(sockets.all.length, 1);
  });

  it('says nothing to a connection that it was closed upon', (t) => {
    const { core, socket, publish, outcomes } = start(t);
    core.onState(({ name }) => {
      if (name === 'open') core.close();
    });
    publish('one');
    const { subscriber, told } = follower();
    core.subscribe('chat', subscriber);
    socket().welcome();
    publish('two');
    assert.deepEqual(
      socket().said.map(({ type }) => type),
      ['auth'],
    );
    assert.deepEqual([outcomes, told], [['one closed', 'two closed'], ['end closed']]);
  });

  it('fails what waits to be published when it stops, and all that comes after, and does not try by itself', (t) => {
    const { core, how, sockets, socket, publish, outcomes } = start(t);
    how.token = '';
    const { subscriber, told } = follower();
    core.subscribe('chat', subscriber);
    publish('one');
    publish('two', 'k');
    assert.equal(core.state.name, 'stopped');
    pass(t, 60_000);
    assert.deepEqual([sockets.all.length, outcomes], [0, ['one no_token', 'two no_token']]);
    how.token = 'jwt';
    core.connect();
    socket().welcome();
    assert.equal(socket().ofType('subscribe').length, 1);
    assert.deepEqual(told, []);
  });

  it('is over once it is closed, for each who asks for something then', (t) => {
    const { core, sockets, publish, outcomes } = start(t);
    core.close();
    core.close();
    const { subscriber, told } = follower();
    const { unsubscribe, cursor } = core.subscribe('chat', subscriber);
    unsubscribe();
    publish('one', 'k');
    core.connect();
    pass(t, 10);
    assert.deepEqual([told, outcomes, cursor()], [['end closed'], ['one closed'], undefined]);
    assert.deepEqual([core.state, sockets.all.length], [{ name: 'closed' }, 0]);
  });

  it('tells each of its states to all who listen, and what one of them throws to its onError', (t) => {
    const { core, socket, errors } = start(t);
    const bug = new Error('a bug of the program');
    const names: string[] = [];
    core.onState(() => {
      throw bug;
    });
    const stop = core.onState(({ name }) => void names.push(name));
    core.connect();
    socket().welcome();
    stop();
    core.close();
    assert.deepEqual(names, ['connecting', 'open']);
    assert.deepEqual(errors, [bug, bug, bug]);
  });

  it('keeps the cursor of whoever has left at the last that this one was told', (t) => {
    const { core, socket } = start(t);
    const first = core.subscribe('chat', follower().subscriber);
    core.subscribe('chat', follower().subscriber);
    socket().welcome();
    socket().reply('subscribe', { type: 'ok', cursor: 'c0' });
    assert.equal(first.cursor(), 'c0');
    first.unsubscribe();
    socket().tell({ type: 'message', channel: 'chat', payload: 1, cursor: 'c1', at: 1 });
    assert.equal(first.cursor(), 'c0');
  });

  it('looks whether its connection lives when its page wakes, until it is closed', (t) => {
    const page = new EventTarget();
    withGlobal(t, 'addEventListener', page.addEventListener.bind(page));
    withGlobal(t, 'removeEventListener', page.removeEventListener.bind(page));
    const { core, socket } = start(t);
    core.connect();
    core.connect();
    socket().welcome();
    page.dispatchEvent(new Event('online'));
    assert.equal(socket().ofType('ping').length, 1);
    socket().reply('ping', { type: 'pong' });
    core.close();
    page.dispatchEvent(new Event('online'));
    assert.equal(socket().ofType('ping').length, 1);
  });
});

describe('The socket of a client', () => {
  it('is that of the runtime, or else the one that stands in for it, or else there is none', (t) => {
    const own = fakeSockets();
    const other = fakeSockets();
    const open = (options: Partial<CommonOptions>): void =>
      new Core(
        { url: 'http://localhost', ...options },
        {
          askToken: (_wish, answer) => answer('jwt'),
        },
      ).connect();
    stopTime(t);
    withGlobal(t, 'WebSocket', own.Socket);
    open({ fallback: other.Socket });
    assert.deepEqual([own.all.length, other.all.length], [1, 0]);
    withGlobal(t, 'WebSocket', undefined);
    open({ fallback: other.Socket });
    assert.deepEqual([own.all.length, other.all.length], [1, 1]);
    assert.throws(() => open({}), TypeError);
  });
});
