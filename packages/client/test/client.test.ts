import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';

import { createClient } from '#client/client.js';
import type { ClientOptions } from '#client/client.js';
import { PosternError } from '#client/errors.js';

import { fakeSockets } from './support/fake-socket.ts';
import { message } from './support/subscribers.ts';
import { pass, stopTime } from './support/time.ts';

const url = 'https://rt.example.com';

/** A client whose gateway is the test. */
function start(t: TestContext, options: Partial<ClientOptions> = {}) {
  stopTime(t);
  const sockets = fakeSockets();
  const errors: unknown[] = [];
  const client = createClient({
    url,
    WebSocket: sockets.Socket,
    onError: (error) => void errors.push(error),
    ...(options.preauth === undefined && { getToken: () => 'jwt' }),
    ...options,
  });
  t.after(() => client.close());
  return {
    client,
    sockets,
    socket: sockets.last,
    errors,
    /** Opens the connection that the client has begun. */
    open: async () => {
      await turn();
      sockets.last().welcome();
      pass(t, 1);
    },
    stopped: () => (client.state.name === 'stopped' ? client.state.error.code : client.state.name),
  };
}

describe('createClient', () => {
  it('needs to know where credentials come from, and not twice', () => {
    assert.throws(() => createClient({ url }), TypeError);
    assert.throws(() => createClient({ url, preauth: true, getToken: () => 'jwt' }), TypeError);
    assert.throws(() => createClient({ url: 'nowhere', getToken: () => 'jwt' }), TypeError);
  });

  it('makes one that is closed by its signal, or is from the beginning', (t) => {
    const abort = new AbortController();
    const { client } = start(t, { signal: abort.signal });
    abort.abort();
    assert.deepEqual(client.state, { name: 'closed' });
    assert.deepEqual(start(t, { signal: AbortSignal.abort() }).client.state, { name: 'closed' });
  });

  for (const [what, getToken, code] of [
    ['is stopped where it has no token', () => undefined, 'no_token'],
    ['is stopped where the token is empty', () => Promise.resolve(''), 'no_token'],
    [
      'is stopped by an error of the program’s own choice',
      () => Promise.reject(new PosternError('forbidden', '', 'no')),
      'forbidden',
    ],
    ['waits where getting a token throws', () => JSON.parse('{'), 'waiting'],
    ['waits where getting a token rejects', () => Promise.reject(new Error('down')), 'waiting'],
    ['connects by a token that comes later', () => Promise.resolve('jwt'), 'connecting'],
  ] as const)
    it(`makes one that ${what}`, async (t) => {
      const { client, stopped } = start(t, { getToken });
      client.connect();
      await turn();
      assert.equal(stopped(), code);
    });

  it('makes one that waits where the headers of its preauthentication cannot be had', async (t) => {
    const cause = new Error('down');
    const { client } = start(t, { preauth: { headers: () => Promise.reject(cause) } });
    client.connect();
    await turn();
    const { state } = client;
    assert.ok(state.name === 'waiting');
    assert.deepEqual([state.error.code, state.error.cause], ['token_failed', cause]);
  });

  it('makes one that tells its states, until nobody listens', async (t) => {
    const { client, open } = start(t);
    const names: string[] = [];
    const stop = client.on('state', ({ name }) => void names.push(name));
    client.connect();
    await open();
    stop();
    client.close();
    assert.deepEqual(names, ['connecting', 'open']);
  });
});

describe('channel.publish', () => {
  it('resolves by the reply, and rejects by it', async (t) => {
    const { client, socket, open } = start(t);
    const channel = client.channel('chat');
    const first = channel.publish({ n: 1 });
    const second = channel.publish(null, { key: 'k' });
    await open();
    const [one, two] = socket().ofType('publish');
    assert.deepEqual([one?.['payload'], one?.['key'], two?.['key']], [{ n: 1 }, undefined, 'k']);
    socket().tell({ type: 'ok', id: one?.id });
    assert.deepEqual(await first, { duplicate: false });
    socket().tell({ type: 'error', id: two?.id, code: 'scope_denied', message: 'x', retry: 'no' });
    await assert.rejects(second, { name: 'PosternError', code: 'scope_denied' });
  });

  it('rejects when its signal aborts, before or after', async (t) => {
    const { client, socket, open } = start(t);
    const abort = new AbortController();
    const channel = client.channel('chat');
    const before = channel.publish(1, { signal: AbortSignal.abort() });
    const after = channel.publish(2, { signal: abort.signal });
    await assert.rejects(before, { code: 'aborted' });
    abort.abort();
    await assert.rejects(after, { code: 'aborted' });
    await open();
    assert.deepEqual(socket().ofType('publish'), []);
  });

  it('rejects for what JSON cannot tell', async (t) => {
    const { client } = start(t);
    await assert.rejects(client.channel<bigint>('chat').publish(1n), TypeError);
  });
});

describe('channel.subscribe', () => {
  it('tells what comes, and where it is, until it is ended', async (t) => {
    const { client, socket, open } = start(t);
    const payloads: unknown[] = [];
    const subscription = client
      .channel<number>('chat')
      .subscribe(({ payload }) => void payloads.push(payload));
    await open();
    socket().reply('subscribe', { type: 'ok', cursor: 'c0' });
    socket().tell(message('chat', 1));
    subscription.unsubscribe();
    subscription.unsubscribe();
    pass(t, 1);
    socket().tell(message('chat', 2));
    assert.deepEqual([payloads, subscription.cursor], [[1], 'c1']);
    assert.equal(socket().ofType('unsubscribe').length, 1);
  });

  it('is ended by its signal', async (t) => {
    const { client, socket, open } = start(t);
    const abort = new AbortController();
    client.channel('chat').subscribe(() => assert.fail('told'), { signal: abort.signal });
    await open();
    abort.abort();
    pass(t, 1);
    assert.equal(socket().ofType('unsubscribe').length, 1);
    client.channel('late').subscribe(() => assert.fail('told'), { signal: abort.signal });
    pass(t, 1);
    assert.equal(socket().ofType('subscribe').length, 1);
  });
});

describe('channel.messages', () => {
  it('subscribes with the first that is asked for, and leaves with the loop', async (t) => {
    const { client, socket, open } = start(t);
    const items = client.channel('chat').messages({ from: 'c0' });
    await turn();
    assert.equal(client.state.name, 'idle');
    const shown: unknown[] = [];
    const loop = (async () => {
      for await (const item of items) {
        shown.push(item.type === 'message' ? item.payload : item.reason);
        if (shown.length === 3) break;
      }
    })();
    await open();
    assert.equal(socket().ofType('subscribe')[0]?.['from'], 'c0');
    socket().reply('subscribe', { type: 'ok', cursor: 'c0', recovered: true });
    socket().tell(message('chat', 1));
    socket().tell({ type: 'gap', channel: 'chat', reason: 'feed_lost', cursor: 'c5' });
    socket().tell(message('chat', 6));
    await loop;
    pass(t, 1);
    assert.deepEqual(shown, [1, 'feed_lost', 6]);
    assert.equal(socket().ofType('unsubscribe').length, 1);
  });

  it('ends by its signal while it waits, and when it was aborted before', async (t) => {
    const { client, open } = start(t);
    const abort = new AbortController();
    const next = client.channel('chat').messages({ signal: abort.signal }).next();
    await open();
    abort.abort();
    assert.deepEqual(await next, { done: true, value: undefined });
    const late = client.channel('chat').messages({ signal: abort.signal });
    assert.equal((await late.next()).done, true);
  });

  it('rejects where the channel is not granted, and ends where the client is closed', async (t) => {
    const { client, socket, open } = start(t);
    const denied = client.channel('secret')[Symbol.asyncIterator]().next();
    await open();
    socket().reply('subscribe', { type: 'error', code: 'scope_denied', message: '', retry: 'no' });
    await assert.rejects(denied, { code: 'scope_denied' });
    const closed = client.channel('chat').messages().next();
    client.close();
    assert.equal((await closed).done, true);
    assert.equal((await client.channel('chat').messages().next()).done, true);
  });
});
