import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { PosternError } from '@postern/client';
import type { Item } from '@postern/client';

import { killListener } from '../support/failure-causes.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { follow, startClient } from '../support/postern-client.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/wait.ts';

const scope = failOnLeaks();

/** Whether it is an error of the client with this code. */
const withCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof PosternError && error.code === code;

describe('A client', () => {
  it('follows a channel, publishes, and resolves when it is committed', async () => {
    const gateway = await startGateway(scope);
    const { client, states } = startClient(scope, gateway);
    assert.equal(client.state.name, 'idle');
    const told = await follow(client, 'room:1');
    assert.deepEqual(await client.channel('room:1').publish({ n: 1 }), { duplicate: false });
    await client.channel('room:1').publish('two');
    await until('both', () => told.items.length === 2);
    assert.deepEqual(told.payloads(), [{ n: 1 }, 'two']);
    const [first] = told.items;
    assert.equal(first?.type === 'message' && first.claims?.sub, 'ada');
    assert.deepEqual(
      states.map(({ name }) => name),
      ['connecting', 'open'],
    );
  });

  it('publishes a message with a key once, however often it is said', async () => {
    const { client } = startClient(scope, await startGateway(scope));
    const channel = client.channel('chat');
    assert.deepEqual(await channel.publish(1, { key: 'a' }), { duplicate: false });
    assert.deepEqual(await channel.publish(1, { key: 'a' }), { duplicate: true });
  });

  it('comes back after a break, and is told what it missed, once and in order', async () => {
    const gateway = await startGateway(scope);
    const proxy = await tcpProxy(scope, { port: gateway.port });
    const near = startClient(scope, gateway);
    const far = startClient(scope, { wsUrl: `ws://127.0.0.1:${proxy.port}` });
    const told = await follow(far.client, 'chat');
    const seen = await follow(near.client, 'chat');
    await near.client.channel('chat').publish(1);
    await until('the first', () => told.items.length === 1);
    proxy.cut();
    // By chance it hardly waits at all.
    await until('the break', () => far.states.some(({ name }) => name === 'waiting'));
    for (const n of [2, 3, 4]) await near.client.channel('chat').publish(n);
    await until('the rest', () => told.items.length >= 4);
    await near.client.channel('chat').publish(5);
    await until('the last', () => told.items.length >= 5 && seen.items.length >= 5);
    assert.deepEqual(told.payloads(), [1, 2, 3, 4, 5]);
    assert.deepEqual(seen.payloads(), [1, 2, 3, 4, 5]);
    assert.deepEqual(told.begun, [undefined, true]);
  });

  it('is told a gap, in its place, when the gateway itself may have missed something', async () => {
    const gateway = await startGateway(scope);
    const { client } = startClient(scope, gateway);
    const told = await follow(client, 'chat');
    await client.channel('chat').publish('before');
    await until('the first', () => told.items.length === 1);
    await killListener(gateway.query);
    await until('the gap', () => told.items.length === 2);
    await client.channel('chat').publish('after');
    await until('the last', () => told.items.length === 3);
    assert.deepEqual(told.payloads(), ['before', 'gap: feed_lost', 'after']);
  });

  it('tells each gap that its subscriber has no function for to the function of the client', async () => {
    const gateway = await startGateway(scope);
    const gaps: string[] = [];
    const { client } = startClient(scope, gateway, { onGap: ({ channel }) => gaps.push(channel) });
    let isFollowing = false;
    client.channel('chat').subscribe(() => undefined, {
      onSubscribed: () => {
        isFollowing = true;
      },
    });
    await until('the channel', () => isFollowing);
    await killListener(gateway.query);
    await until('the gap', () => gaps.length === 1);
    assert.deepEqual(gaps, ['chat']);
  });

  it('hands out messages and gaps to an iteration, until it is left', async () => {
    const gateway = await startGateway(scope);
    const { client } = startClient(scope, gateway);
    const items: Item<number>[] = [];
    const channel = client.channel<number>('chat');
    const reading = (async () => {
      for await (const item of channel) {
        items.push(item);
        if (item.type === 'gap') break;
      }
    })();
    // Of one channel there is one subscription, whoever follows it.
    await follow(client, 'chat');
    await channel.publish(1);
    await until('a message', () => items.length === 1);
    await killListener(gateway.query);
    await reading;
    assert.deepEqual(
      items.map(({ type }) => type),
      ['message', 'gap'],
    );
  });

  it('tells a subscriber of a channel that is not granted, and rejects an iteration over it', async () => {
    const { client } = startClient(scope, await startGateway(scope));
    const errors: PosternError[] = [];
    client.channel('news').subscribe(() => undefined, { onError: (error) => errors.push(error) });
    await assert.rejects(client.channel('news').messages().next(), withCode('scope_denied'));
    await until('the error', () => errors.length === 1);
    assert.equal(errors[0]?.code, 'scope_denied');
    await assert.rejects(client.channel('news').publish(1), withCode('scope_denied'));
  });

  it('does not connect again after its close, and rejects what is published', async () => {
    const gateway = await startGateway(scope);
    const { client, errors } = startClient(scope, gateway);
    const reading = client.channel('chat').messages().next();
    await follow(client, 'chat');
    client.close();
    client.connect();
    assert.equal(client.state.name, 'closed');
    await assert.rejects(client.channel('chat').publish(1), withCode('closed'));
    assert.deepEqual(await reading, { done: true, value: undefined });
    assert.deepEqual(errors, []);
    await gateway.logged('session_ended');
  });
});
