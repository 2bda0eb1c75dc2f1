import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ChannelOrder } from '#gateway/postgres/channel-order.js';

/** What comes out, in its order. Texts are `channel:rest`. */
function setUp(mostBytes?: number) {
  const out: string[] = [];
  const wanted: string[] = [];
  const order = new ChannelOrder({
    channelOf: (text) => text.split(':')[0] ?? '',
    publish: (text) => void out.push(text),
    lost: (channel) => void out.push(`${channel} lost`),
    want: (id) => void wanted.push(id),
    ...(mostBytes === undefined ? {} : { mostBytes }),
  });
  const refer = (id: string, channel: string): void =>
    order.referred({ id, channel, databaseChannel: 'd' });
  return { order, out, wanted, refer };
}

describe('The order of a channel', () => {
  it('lets everything through while nothing is awaited', () => {
    const { order, out } = setUp();
    for (const text of ['a:1', 'b:1', 'a:2']) order.notified(text);
    assert.deepEqual(out, ['a:1', 'b:1', 'a:2']);
  });

  it('holds what comes behind a long text, and nothing of other channels', () => {
    const { order, out, wanted, refer } = setUp();
    order.notified('a:1');
    refer('x', 'a');
    for (const text of ['a:3', 'b:1', 'a:4']) order.notified(text);
    assert.deepEqual([out, wanted], [['a:1', 'b:1'], ['x']]);
    order.arrived('x', 'a:2');
    assert.deepEqual(out.slice(2), ['a:2', 'a:3', 'a:4']);
    order.notified('a:5');
    assert.deepEqual([out.at(-1), order.bytes], ['a:5', 0]);
  });

  it('waits for the first of several, in whatever order they arrive', () => {
    const { order, out, refer } = setUp();
    refer('x', 'a');
    order.notified('a:2');
    refer('y', 'a');
    refer('z', 'a');
    order.notified('a:5');
    order.arrived('z', 'a:4');
    order.arrived('y', 'a:3');
    assert.deepEqual(out, []);
    order.arrived('x', 'a:1');
    assert.deepEqual(out, ['a:1', 'a:2', 'a:3', 'a:4', 'a:5']);
  });

  it('tells of a loss at its place', () => {
    const { order, out, refer } = setUp();
    refer('x', 'a');
    refer('y', 'a');
    order.notified('a:3');
    order.arrived('y', undefined);
    order.arrived('x', 'a:1');
    assert.deepEqual(out, ['a:1', 'a lost', 'a:3']);
  });

  it('hands nobody the text of another channel', () => {
    const { order, out, refer } = setUp();
    refer('x', 'a');
    order.arrived('x', 'secret:1');
    assert.deepEqual(out, ['a lost']);
  });

  it('takes each reference once, awaited or not', () => {
    const { order, out, wanted, refer } = setUp();
    refer('x', 'a');
    refer('x', 'a');
    refer('x', 'b');
    order.arrived('x', 'a:1');
    order.arrived('x', 'a:1');
    refer('x', 'a');
    assert.deepEqual([out, wanted, order.bytes], [['a:1'], ['x'], 0]);
  });

  it('drops everything at a break, and does not take what arrives then', () => {
    const { order, out, refer } = setUp();
    refer('x', 'a');
    order.notified('a:2');
    order.drop();
    order.arrived('x', 'a:1');
    order.notified('a:3');
    assert.deepEqual([out, order.bytes], [['a:3'], 0]);
  });

  it('gives up the channel of which most waits when too much does, and only that', () => {
    const { order, out, refer } = setUp(100);
    refer('x', 'a');
    refer('y', 'b');
    order.notified(`a:${'.'.repeat(60)}`);
    order.notified('b:2');
    assert.deepEqual(out, []);
    order.notified(`b:${'.'.repeat(50)}`);
    assert.deepEqual(out, ['a lost']);
    order.arrived('x', 'a:1');
    order.notified('a:3');
    order.arrived('y', 'b:1');
    assert.deepEqual(out.slice(1), ['a:3', 'b:1', 'b:2', `b:${'.'.repeat(50)}`]);
    assert.equal(order.bytes, 0);
  });

  it('counts what has arrived and waits behind another one', () => {
    const { order, out, refer } = setUp(100);
    refer('x', 'a');
    refer('y', 'a');
    order.arrived('y', `a:${'.'.repeat(100)}`);
    assert.deepEqual([out, order.bytes], [['a lost'], 0]);
    order.arrived('x', 'a:1');
    assert.deepEqual(out, ['a lost']);
  });

  it('wants nothing that is given up at once', () => {
    const { wanted, refer, out } = setUp(5);
    refer('x', 'a-channel');
    assert.deepEqual([wanted, out], [[], ['a-channel lost']]);
  });

  it('is that of what came, whatever arrives when', () => {
    const event = fc.record({
      channel: fc.constantFrom('a', 'b', 'c'),
      isLong: fc.boolean(),
      isLost: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(event), fc.infiniteStream(fc.nat()), (events, random) => {
        const { order, out, refer } = setUp();
        const awaited: (() => void)[] = [];
        const arrive = (): void => {
          const place = Number(random.next().value) % awaited.length;
          awaited.splice(place, 1)[0]?.();
        };
        const expected = events.map(({ channel, isLong, isLost }, index) => {
          const text = `${channel}:${index}`;
          if (!isLong) order.notified(text);
          else {
            refer(String(index), channel);
            awaited.push(() => order.arrived(String(index), isLost ? undefined : text));
          }
          if (awaited.length > 0 && Number(random.next().value) % 3 === 0) arrive();
          return isLong && isLost ? `${channel} lost` : text;
        });
        while (awaited.length > 0) arrive();
        for (const channel of ['a', 'b', 'c'])
          assert.deepEqual(
            out.filter((text) => text.startsWith(channel)),
            expected.filter((text) => text.startsWith(channel)),
          );
        assert.equal(order.bytes, 0);
      }),
    );
  });
});
