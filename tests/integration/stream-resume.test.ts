import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { killListener } from '../support/failure-causes.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { startPreauth } from '../support/preauth.ts';
import { StreamClient } from '../support/stream-client.ts';
import { BEARER, payloads, publish, publishMany } from '../support/streams.ts';
import { until } from '../support/wait.ts';

const scope = failOnLeaks();
const CHANNELS = ['chat', 'room:1'] as const;
const open = (port: number, options: Parameters<typeof StreamClient.open>[2] = {}) =>
  StreamClient.open(scope, port, { bearer: BEARER, channels: CHANNELS, ...options });
const resume = (port: number, id: string) => open(port, { headers: { 'Last-Event-ID': id } });

/** The numbers of these messages. */
const numbersIn = (messages: readonly unknown[]): readonly number[] =>
  messages.map((payload) => Number(Object(payload).n));
const range = (first: number, last: number): readonly number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe('A stream that comes back', () => {
  it('by from= or Last-Event-ID, which wins, has what it missed of all its channels, in order', async () => {
    const gateway = await startPreauth(scope);
    const first = await open(gateway.port);
    const { lastEventId: start } = await first.event();
    await publishMany(gateway, CHANNELS, { last: 3 });
    assert.deepEqual(numbersIn(await payloads(first, 3)), [1, 2, 3]);
    first.leave();
    await publish(gateway, 'room:2', 'of others');
    await publishMany(gateway, CHANNELS, { first: 4, last: 6 });

    const byQuery = await open(gateway.port, { from: start });
    assert.equal((await byQuery.event()).lastEventId, start);
    assert.deepEqual(numbersIn(await payloads(byQuery, 6)), range(1, 6));
    const byHeader = await open(gateway.port, {
      from: start,
      headers: { 'Last-Event-ID': first.lastEventId },
    });
    assert.equal((await byHeader.event()).lastEventId, first.lastEventId);
    assert.deepEqual(numbersIn(await payloads(byHeader, 3)), range(4, 6));
    // A browser that knows of none sends no such line, and others an empty one.
    const byNone = await open(gateway.port, { from: start, headers: { 'Last-Event-ID': '' } });
    assert.equal((await byNone.event()).lastEventId, start);
    await publishMany(gateway, CHANNELS, { first: 7, last: 8 });
    assert.deepEqual(numbersIn(await payloads(byQuery, 2)), [7, 8]);
    assert.deepEqual(numbersIn(await payloads(byHeader, 2)), [7, 8]);
    assert.deepEqual(numbersIn(await payloads(byNone, 8)), range(1, 8));
  });

  it('is told everything once, though it is cut again and again amid what it missed, and more is published', async () => {
    const gateway = await startPreauth(scope);
    const { lastEventId: start } = await (await open(gateway.port)).event();
    const PIECES = 12;
    const SIZE = 40;
    await publishMany(gateway, CHANNELS, { last: SIZE, padding: 3_000 });
    const read: number[] = [];
    let id = start;
    for (let piece = 1; read.length < PIECES * SIZE; piece += 1) {
      const stream = await resume(gateway.port, id);
      const publishing =
        piece < PIECES
          ? publishMany(gateway, CHANNELS, {
              first: piece * SIZE + 1,
              last: (piece + 1) * SIZE,
              padding: 3_000,
            })
          : undefined;
      await stream.said('welcome');
      const enough = Math.min(read.length + 25 + (piece % 3) * 7, PIECES * SIZE);
      // What has come beside, nobody looks at: it is as if it were lost on the way.
      while (read.length < enough) {
        const event = await stream.event();
        assert.equal(event.type, 'message');
        read.push(JSON.parse(event.data).payload.n);
        id = event.lastEventId;
      }
      stream.leave();
      await publishing;
    }
    assert.deepEqual(read, range(1, PIECES * SIZE));
  });

  it('is no slow consumer for what it missed, however much more than its queue that is', async () => {
    const gateway = await startPreauth(scope, { POSTERN_QUEUE_BYTES: '100000' });
    const { lastEventId: start } = await (await open(gateway.port)).event();
    for (let first = 1; first <= 1_000; first += 250)
      await publishMany(gateway, CHANNELS, { first, last: first + 249, padding: 7_000 });
    const stream = await resume(gateway.port, start);
    await stream.said('welcome');
    stream.pause();
    await publishMany(gateway, CHANNELS, { first: 1_001, last: 1_100, padding: 7_000 });
    stream.resume();
    assert.deepEqual(numbersIn(await payloads(stream, 1_100)), range(1, 1_100));
    await publishMany(gateway, CHANNELS, { first: 1_101, last: 1_101 });
    assert.deepEqual(numbersIn(await payloads(stream, 1)), [1_101]);
  });

  it('is told a gap of that channel alone of which more came than is kept, and not what came before', async () => {
    const gateway = await startPreauth(scope, { POSTERN_HISTORY_BYTES: '100000' });
    const watcher = await open(gateway.port);
    const { lastEventId: start } = await watcher.event();
    await publishMany(gateway, ['room:1'], { last: 20, padding: 7_000 });
    await publish(gateway, 'chat', { n: 1 });
    await publishMany(gateway, ['room:1'], { first: 21, last: 22 });
    // The gateway has them a moment after they are committed.
    await payloads(watcher, 23);
    const stream = await resume(gateway.port, start);
    await stream.said('welcome');
    const gap = await stream.event();
    const { cursor, ...told } = JSON.parse(gap.data);
    assert.deepEqual(told, { type: 'gap', channel: 'room:1', reason: 'too_old' });
    assert.equal(gap.lastEventId, start);
    assert.deepEqual(numbersIn(await payloads(stream, 1)), [1]);
    await until('the mark', () => stream.lastEventId === cursor);
    await publishMany(gateway, CHANNELS, { first: 23, last: 24 });
    assert.deepEqual(numbersIn(await payloads(stream, 2)), [23, 24]);
    const again = await resume(gateway.port, cursor);
    await again.said('welcome');
    assert.deepEqual(numbersIn(await payloads(again, 2)), [23, 24]);
  });

  it('is told a gap of each channel when its cursor is of before a break, and has what is new', async () => {
    const gateway = await startPreauth(scope);
    const { lastEventId: start } = await (await open(gateway.port)).event();
    await killListener(gateway.query);
    await gateway.logged('listener_restored');
    const stream = await resume(gateway.port, start);
    assert.deepEqual((await stream.event()).lastEventId, '');
    for (const channel of CHANNELS) {
      const { cursor, ...gap } = await stream.said('gap');
      assert.equal(typeof cursor, 'string');
      assert.deepEqual(gap, { type: 'gap', channel, reason: 'unknown_cursor' });
    }
    await publishMany(gateway, CHANNELS, { last: 2 });
    assert.deepEqual(numbersIn(await payloads(stream, 2)), [1, 2]);
  });

  it('after nothing came on its channels does so by the mark, which it is told every 15 s', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const gateway = await startPreauth(scope, { POSTERN_HISTORY_BYTES: '100000' });
    const stream = await open(gateway.port);
    await stream.said('welcome');
    const witness = await open(gateway.port, { channels: ['room:2'] });
    await witness.said('welcome');
    await publishMany(gateway, ['room:2'], { last: 30, padding: 7_000 });
    await payloads(witness, 30);
    const before = stream.lastEventId;
    for (let second = 1; second < 15; second += 1) t.mock.timers.tick(1_000);
    assert.equal(stream.comments, 0);
    t.mock.timers.tick(1_000);
    await until('the mark', () => stream.lastEventId === witness.lastEventId);
    assert.notEqual(stream.lastEventId, before);
    assert.equal(stream.comments, 1);
    assert.equal(stream.events.length, 0);
    t.mock.timers.tick(15_000);
    await until('the next comment', () => stream.comments === 2);
    assert.equal(stream.text.match(/^id: /gm)?.length, 2);
  });
});
