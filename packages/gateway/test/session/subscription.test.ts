import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { AdmissionParts } from '#gateway/session/admission.js';
import { textFrame } from '#gateway/session/frame.js';
import { Antechamber } from './antechamber.ts';

/** A session that may read everything, and what is published. */
function setUp(options: Partial<AdmissionParts['options']> = {}) {
  const chamber = new Antechamber(options);
  const { history, hub } = chamber;
  const { socket, session, say } = chamber.enter({
    grant: { entries: { '*': 'r' }, modeOf: () => ({ read: true, write: false }) },
  });
  let id = 0;
  const subscribe = (channel: string, from?: string): void =>
    say({ type: 'subscribe', id: ++id, channel, from });
  let number = 0;
  /** Publishes a numbered message, of so many characters. */
  const publish = (channel: string, characters = 10): void => {
    number += 1;
    const about = { channel, number, filling: 'x'.repeat(characters) };
    const text = history.add(channel, (cursor) => JSON.stringify({ ...about, cursor }));
    hub.broadcast(channel, () => textFrame(text));
  };
  /** The numbers of the messages that came, of one channel or all. */
  const numbers = (channel?: string): readonly number[] =>
    socket.messages.flatMap((message) =>
      channel === undefined || Object(message).channel === channel
        ? (Object(message).number ?? [])
        : [],
    );
  /** What came beside the messages of channels. */
  const told = (): readonly unknown[] =>
    socket.messages.slice(1).filter((message) => Object(message).number === undefined);
  return { ...chamber, chamber, socket, session, say, subscribe, publish, numbers, told };
}

/** Whatever was waiting for its turn has had it. */
async function settled(): Promise<void> {
  for (let count = 0; count < 20; count += 1) await turn();
}

function upTo(last: number, first = 1): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

describe('A subscription with a cursor', () => {
  it('brings what was missed, and then what is new, with nothing lost or doubled between', () => {
    const { history, subscribe, publish, numbers, told } = setUp();
    publish('news');
    const from = history.cursor;
    publish('news');
    publish('other');
    publish('news');
    subscribe('news', from);
    publish('news');
    assert.deepEqual(numbers(), [2, 4, 5]);
    assert.deepEqual(told(), [{ type: 'ok', id: 1, recovered: true, cursor: from }]);
  });

  it('brings no more than the client reads, and what is published meanwhile after that', async () => {
    const { history, socket, session, subscribe, publish, numbers } = setUp({ queueBytes: 50_000 });
    const from = history.cursor;
    // Ten times what may wait for a client.
    for (let count = 0; count < 50; count += 1) publish('news', 10_000);
    socket.reads = false;
    subscribe('news', from);
    while (numbers().length < 100) {
      await turn();
      publish('news', 10_000);
      const before = numbers().length;
      socket.read(false);
      await turn();
      assert.ok(numbers().length - before <= 2);
      assert.ok(session.isOpen);
    }
    assert.deepEqual(numbers().slice(0, 100), upTo(100));
  });

  it('brings each channel whole, when several are behind', async () => {
    const { history, subscribe, publish, numbers, chamber } = setUp();
    const from = history.cursor;
    for (let count = 0; count < 100; count += 1)
      publish(count % 2 === 0 ? 'news' : 'weather', 1_000);
    subscribe('news', from);
    subscribe('weather', from);
    await settled();
    publish('news');
    publish('weather');
    const odd = upTo(101).filter((number) => number % 2 === 1);
    const even = upTo(102).filter((number) => number % 2 === 0);
    assert.deepEqual(numbers('news'), odd);
    assert.deepEqual(numbers('weather'), even);
    assert.equal(chamber.hub.size, 2);
  });

  it('lets what is live come between the pieces of another channel', async () => {
    const { history, socket, subscribe, publish, numbers } = setUp();
    const from = history.cursor;
    for (let count = 0; count < 10; count += 1) publish('news', 10_000);
    subscribe('live');
    socket.reads = false;
    subscribe('news', from);
    publish('live');
    socket.read(true);
    await settled();
    assert.deepEqual(numbers('live'), [11]);
    assert.ok(numbers().indexOf(11) < 4);
    assert.deepEqual(numbers('news'), upTo(10));
  });

  it('is told of a gap when more is published meanwhile than is kept, and goes on from there', async () => {
    const { history, socket, subscribe, publish, numbers, told } = setUp();
    const from = history.cursor;
    for (let count = 0; count < 10; count += 1) publish('news', 10_000);
    socket.reads = false;
    subscribe('news', from);
    for (let count = 0; count < 200; count += 1) publish('news', 10_000);
    const { cursor } = history;
    socket.read(true);
    await settled();
    publish('news');
    assert.deepEqual(told().slice(1), [
      { type: 'gap', channel: 'news', reason: 'too_old', cursor },
    ]);
    assert.deepEqual(numbers(), [1, 2, 211]);
  });

  it('is told of a gap when the feed is interrupted meanwhile', async () => {
    const { history, socket, subscribe, publish, numbers, told } = setUp();
    const from = history.cursor;
    for (let count = 0; count < 10; count += 1) publish('news', 10_000);
    socket.reads = false;
    subscribe('news', from);
    history.restart();
    const { cursor } = history;
    socket.read(true);
    await settled();
    publish('news');
    const gap = { type: 'gap', channel: 'news', reason: 'feed_lost', cursor };
    assert.deepEqual([told().slice(1), numbers()], [[gap], [1, 2, 11]]);
  });

  it('brings nothing more after its end, whether by the client, by its deadline or by a loss', async () => {
    for (const end of ['unsubscribe', 'expire', 'lose'] as const) {
      const { history, socket, session, say, subscribe, publish, numbers, hub } = setUp();
      const from = history.cursor;
      for (let count = 0; count < 10; count += 1) publish('news', 10_000);
      socket.reads = false;
      subscribe('news', from);
      if (end === 'unsubscribe') say({ type: 'unsubscribe', id: 9, channel: 'news' });
      else if (end === 'expire') session.expire();
      else session.lose(1000);
      socket.read(true);
      await settled();
      publish('news');
      assert.deepEqual([numbers(), hub.size], [[1, 2], 0], end);
    }
  });

  it('leaves others their turns between its pieces, however fast its client reads', async () => {
    const { history, subscribe, publish, numbers } = setUp();
    const from = history.cursor;
    for (let count = 0; count < 40; count += 1) publish('news', 20_000);
    subscribe('news', from);
    const before = numbers().length;
    for (let count = 0; count < 5; count += 1) await turn();
    assert.ok(numbers().length - before <= 5);
    await turn();
    await turn();
    assert.ok(numbers().length > before);
  });

  it('begins anew in the midst of what is live, too', async () => {
    const { history, socket, subscribe, publish, numbers } = setUp();
    const from = history.cursor;
    subscribe('news');
    for (let count = 0; count < 4; count += 1) publish('news', 20_000);
    await settled();
    socket.reads = false;
    subscribe('news', from);
    publish('news');
    socket.read(true);
    await settled();
    publish('news');
    assert.deepEqual(numbers(), [1, 2, 3, 4, 1, 2, 3, 4, 5, 6]);
  });

  it('begins anew where it is already there', () => {
    const { history, subscribe, publish, numbers } = setUp();
    const from = history.cursor;
    subscribe('news');
    publish('news');
    publish('news');
    subscribe('news', from);
    publish('news');
    assert.deepEqual(numbers(), [1, 2, 1, 2, 3]);
  });

  it('that is behind stays where it is when it is asked for again, and says where that is', async () => {
    const { history, socket, subscribe, publish, numbers, told } = setUp();
    const from = history.cursor;
    publish('news', 10_000);
    publish('news', 10_000);
    const { cursor } = history;
    publish('news', 10_000);
    socket.reads = false;
    subscribe('news', from);
    subscribe('news');
    socket.read(true);
    await settled();
    assert.deepEqual(told()[1], { type: 'ok', id: 2, cursor });
    assert.deepEqual(numbers(), [1, 2, 3]);
  });
});
