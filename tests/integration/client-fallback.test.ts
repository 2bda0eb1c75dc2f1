import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { PosternError } from '@postern/client';
import { eventStream } from '@postern/client/sse';
import { WebSocket } from 'ws';

import { startGateway } from '../support/gateway.ts';
import { follow, startClient } from '../support/postern-client.ts';
import { FRAME, PREAUTH_ENVIRONMENT, SITE_CLAIMS } from '../support/preauth.ts';
import { publishMany } from '../support/streams.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';

/** WebSockets, until a proxy does not let them through any more. */
function passing() {
  const link = { isBlocked: true, attempts: 0 };
  class Passing extends WebSocket {
    constructor(url: string, protocols: string[]) {
      link.attempts += 1;
      super(link.isBlocked ? 'ws://127.0.0.1:1' : url, protocols);
    }
  }
  return { link, Passing };
}

const numbersIn = (payloads: readonly unknown[]): readonly unknown[] =>
  payloads.map((payload) => Object(payload).n);

describe('A client with a stream of events as its fallback', () => {
  it('reads where no WebSocket gets through, comes back with what it missed, and cannot publish', async (t) => {
    const gateway = await startGateway(t);
    const proxy = await tcpProxy(t, { port: gateway.port });
    const { client, reaches, errors } = startClient(
      t,
      { wsUrl: `ws://127.0.0.1:${proxy.port}` },
      { WebSocket: passing().Passing, fallback: eventStream() },
    );
    const chat = await follow(client, 'chat');
    const room = await follow(client, 'room:1');
    const session = await until('the session', () => {
      const { state } = client;
      return state.name === 'open' && state.session !== '' && state;
    });
    assert.equal(session.user, 'ada');
    assert.deepEqual(session.channels, { chat: 'r', 'room:1': 'r' });
    await publishMany(gateway, ['chat', 'room:1'], { last: 4 });
    await until('all', () => chat.items.length + room.items.length === 4);
    await assert.rejects(
      client.channel('chat').publish(1),
      (error) => error instanceof PosternError && error.code === 'read_only',
    );
    proxy.cut();
    await until('the end', () => client.state.name !== 'open');
    await publishMany(gateway, ['chat', 'room:1'], { first: 5, last: 8 });
    await reaches('open');
    await publishMany(gateway, ['chat', 'room:1'], { first: 9, last: 10 });
    await until('the rest', () => chat.items.length + room.items.length === 10);
    assert.deepEqual(numbersIn(chat.payloads()), [2, 4, 6, 8, 10]);
    assert.deepEqual(numbersIn(room.payloads()), [1, 3, 5, 7, 9]);
    assert.deepEqual([chat.begun, errors], [[undefined, true], []]);
  });

  it('goes on by it as the same user, whom no stream names before it is there', async (t) => {
    const gateway = await startGateway(t);
    const { link, Passing } = passing();
    link.isBlocked = false;
    const { client } = startClient(t, gateway, { WebSocket: Passing, fallback: eventStream() });
    const chat = await follow(client, 'chat');
    link.isBlocked = true;
    await gateway.query(`SELECT postern.disconnect(sub => 'ada')`);
    await until('another beginning', () => chat.begun.length === 2);
    await publishMany(gateway, ['chat'], { last: 1 });
    await until('a message', () => chat.items.length === 1);
    assert.deepEqual(chat.begun, [undefined, true]);
    const { state } = client;
    assert.ok(state.name === 'open' && state.user === 'ada' && state.session !== '');
  });

  it('stops when the token by which it goes on is somebody else’s', async (t) => {
    const gateway = await startGateway(t);
    const users = [{ sub: 'ada', exp: inSeconds(20) }, { sub: 'bo' }];
    const { client, reaches } = startClient(t, gateway, {
      WebSocket: eventStream(),
      claims: () => users.shift() ?? {},
    });
    client.channel('chat').subscribe(() => undefined);
    assert.equal((await reaches('stopped')).error.code, 'identity_changed');
  });

  it('tries WebSocket again when the gateway cannot be reached in the other way either', async (t) => {
    const gateway = await startGateway(t);
    const { link, Passing } = passing();
    const { client } = startClient(t, gateway, { WebSocket: Passing, fallback: eventStream() });
    await follow(client, 'chat');
    const before = link.attempts;
    await gateway.gateway.stop();
    await until('other attempts', () => link.attempts > before + 4);
  });

  it('with tickets comes back at once for each new channel, by a fresh one', async (t) => {
    const gateway = await startGateway(t, { environment: PREAUTH_ENVIRONMENT });
    const bearer = await signToken({ ...SITE_CLAIMS, exp: inSeconds(600) });
    const Socket = eventStream({
      fetch: (target, init) =>
        fetch(String(target).replace(/^https/, 'http'), {
          ...init,
          headers: { ...Object(init?.headers), Origin: FRAME },
        }),
    });
    const headers = {
      Authorization: `Bearer ${bearer}`,
      'X-Forwarded-Proto': 'https',
      Origin: FRAME,
    };
    const { client, states } = startClient(t, gateway, {
      WebSocket: Socket,
      preauth: { embed: true, headers: () => headers },
    });
    const chat = await follow(client, 'chat');
    await publishMany(gateway, ['chat'], { last: 2 });
    const room = await follow(client, 'room:1');
    await publishMany(gateway, ['chat', 'room:1'], { first: 3, last: 4 });
    await until('all', () => chat.items.length + room.items.length === 4);
    assert.deepEqual(numbersIn(chat.payloads()), [1, 2, 4]);
    assert.deepEqual(numbersIn(room.payloads()), [3]);
    assert.deepEqual(chat.begun, [undefined, true]);
    assert.ok(
      states.every(({ name }) => name === 'connecting' || name === 'open'),
      'it waited for nothing',
    );
  });
});
