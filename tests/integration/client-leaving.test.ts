import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { follow, startClient } from '../support/postern-client.ts';
import { until } from '../support/wait.ts';

const scope = failOnLeaks();

describe('Whoever leaves a channel, and comes back to it by the cursor of then,', () => {
  it('is not told again what it left by, from within its listener', async () => {
    const { client } = startClient(scope, await startGateway(scope));
    const channel = client.channel('chat');
    const told: unknown[] = [];
    const first = channel.subscribe(({ payload }) => {
      told.push(payload);
      first.unsubscribe();
    });
    const marks = await follow(client, 'room:1');
    await channel.publish(1);
    await until('the first', () => told.length === 1);
    // By now the gateway knows that nobody follows the channel.
    await client.channel('room:1').publish('mark');
    await until('the mark', () => marks.items.length === 1);
    const { cursor: from } = first;
    assert.ok(from !== undefined);
    await channel.publish(2);
    channel.subscribe(({ payload }) => void told.push(payload), { from });
    await until('the second', () => told.includes(2));
    assert.deepEqual(told, [1, 2]);
  });

  it('misses nothing that had come when it left a loop, and comes back at once', async () => {
    const { client } = startClient(scope, await startGateway(scope));
    const channel = client.channel<number>('chat');
    const loop = channel.messages();
    const first = loop.next();
    const marks = await follow(client, 'room:1');
    for (const n of [1, 2, 3]) await channel.publish(n);
    await client.channel('room:1').publish('mark');
    await until('all of it', () => marks.items.length === 1);
    const { value } = await first;
    assert.equal(value?.type, 'message');
    await loop.return(undefined);

    const told: unknown[] = [];
    const again = channel.messages({ from: value.cursor });
    let item = again.next();
    await channel.publish(4);
    for (;;) {
      const { value: next } = await item;
      told.push(next?.type === 'message' ? next.payload : next);
      if (told.at(-1) === 4) break;
      item = again.next();
    }
    assert.deepEqual([value.payload, ...told], [1, 2, 3, 4]);
  });

  it('keeps the cursor of then, though others follow the channel on, and is told of the gap', async () => {
    const { client } = startClient(scope, await startGateway(scope));
    const channel = client.channel('chat');
    const stays = await follow(client, 'chat');
    const told: unknown[] = [];
    const first = channel.subscribe(({ payload }) => void told.push(payload));
    await channel.publish(1);
    await until('the first', () => told.length === 1);
    first.unsubscribe();
    await channel.publish(2);
    await until('the second', () => stays.items.length === 2);
    assert.equal(first.cursor, stays.items[0]?.cursor);

    channel.subscribe(({ payload }) => void told.push(payload), {
      ...(first.cursor !== undefined && { from: first.cursor }),
      onGap: ({ reason, cursor }) => {
        assert.equal(cursor, stays.items[1]?.cursor);
        told.push(`gap: ${reason}`);
      },
    });
    await channel.publish(3);
    await until('the third', () => told.includes(3));
    assert.deepEqual(told, [1, 'gap: unknown_cursor', 3]);
    assert.deepEqual(stays.payloads(), [1, 2, 3]);
  });
});
