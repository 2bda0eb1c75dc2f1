import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { trouble } from '#client/errors.js';
import { Subscription } from '#client/subscription.js';

import { fallbacks, follower, gap, message } from './support/subscribers.ts';
import { pass, stopTime } from './support/time.ts';

/** A channel with one who follows it, and where what has no function of its own goes. */
function subscription(from?: string) {
  const others = fallbacks();
  const channel = new Subscription('chat', others);
  const { subscriber, told } = follower(from === undefined ? {} : { from });
  channel.add(subscriber);
  return { channel, subscriber, told, others };
}

const ok = (cursor: string, recovered?: boolean) =>
  ({ type: 'ok', id: 1, cursor, ...(recovered !== undefined && { recovered }) }) as const;

describe('The cursor of a subscription', () => {
  it('is that of the last that was told or is being told: whoever leaves by it takes it along', () => {
    const { channel } = subscription();
    const seen: unknown[] = [];
    channel.add({ onMessage: () => void seen.push(channel.cursor) });
    assert.equal(channel.cursor, undefined);
    channel.begin(ok('c0'));
    assert.equal(channel.cursor, 'c0');
    channel.deliver(message('chat', 1));
    channel.deliver(message('chat', 2));
    assert.deepEqual(seen, ['c1', 'c2']);
    assert.equal(channel.cursor, 'c2');
    channel.miss(gap('chat', 3));
    assert.equal(channel.cursor, 'c3');
  });

  it('is the old one until the gap has come, where not all that was missed follows', () => {
    const { channel, told } = subscription('old');
    channel.begin(ok('now', false));
    assert.equal(channel.cursor, 'old');
    channel.lose();
    channel.begin(ok('now', false));
    channel.miss(gap('chat', 7));
    assert.equal(channel.cursor, 'c7');
    assert.deepEqual(told, ['on old false', 'on old false', 'gap unknown_cursor']);
  });

  it('is that of the gateway where all that was missed follows', () => {
    const { channel, told } = subscription('old');
    channel.begin(ok('old', true));
    assert.deepEqual(told, ['on old true']);
    assert.equal(channel.cursor, 'old');
  });

  it('is the one that was kept by whoever came first, until the channel is followed', () => {
    const { channel } = subscription();
    channel.add({ onMessage: () => undefined, from: 'kept' });
    assert.equal(channel.cursor, 'kept');
    channel.add({ onMessage: () => undefined, from: 'other' });
    assert.equal(channel.cursor, 'kept');
    channel.ask();
    channel.begin(ok('c5', true));
    channel.add({ onMessage: () => undefined, from: 'late' });
    assert.equal(channel.cursor, 'c5');
  });

  it('stays over a break, and not beyond the end', () => {
    const { channel } = subscription();
    channel.begin(ok('c0'));
    channel.deliver(message('chat', 1));
    channel.lose();
    assert.equal(channel.cursor, 'c1');
    channel.end(trouble('read_only'));
    assert.equal(channel.cursor, undefined);
  });
});

describe('A subscription', () => {
  it('delivers nothing before it was granted, nor after it was lost: that is of an older one', () => {
    const { channel, told } = subscription();
    channel.deliver(message('chat', 1));
    channel.ask();
    channel.deliver(message('chat', 2));
    channel.miss(gap('chat', 3));
    assert.equal(channel.cursor, undefined);
    channel.begin(ok('c3'));
    channel.deliver(message('chat', 4));
    channel.lose();
    channel.deliver(message('chat', 5));
    assert.deepEqual(told, ['on c3 undefined', '4']);
  });

  it('tells the others, and goes on, when one of them throws', () => {
    const bug = new Error('a bug of the program');
    const others = fallbacks();
    const channel = new Subscription('chat', others);
    const fail = (): never => {
      throw bug;
    };
    channel.add({ onMessage: fail, onGap: fail, onSubscribed: fail, onError: fail });
    const { subscriber, told } = follower();
    channel.add(subscriber);
    channel.begin(ok('c0'));
    channel.deliver(message('chat', 1));
    channel.miss(gap('chat', 2));
    assert.equal(channel.cursor, 'c2');
    channel.end(trouble('read_only'));
    assert.deepEqual(told, [
      'on c0 undefined',
      '1',
      'gap unknown_cursor',
      'error read_only',
      'end read_only',
    ]);
    assert.deepEqual(others.errors, [bug, bug, bug, bug]);
  });

  it('tells what a subscriber has no function for to the client’s own', () => {
    const others = fallbacks();
    const channel = new Subscription('chat', others);
    channel.add({ onMessage: () => undefined });
    channel.begin(ok('c0'));
    channel.miss(gap('chat', 1));
    const error = trouble('read_only');
    channel.end(error);
    assert.deepEqual(others.gaps, ['chat unknown_cursor']);
    assert.deepEqual(others.errors, [error]);
  });

  it('tells nothing more to whoever has left, but what is being told, of which it has the cursor', () => {
    const others = fallbacks();
    const channel = new Subscription('chat', others);
    const { subscriber, told } = follower();
    channel.add({ onMessage: () => channel.remove(subscriber) });
    channel.add(subscriber);
    channel.begin(ok('c0'));
    channel.deliver(message('chat', 1));
    channel.deliver(message('chat', 2));
    assert.deepEqual(told, ['on c0 undefined', '1']);
  });

  it('does not tell one that messages come who has left when another one was told so', () => {
    const channel = new Subscription('chat', fallbacks());
    const { subscriber, told } = follower();
    channel.add({ onMessage: () => undefined, onSubscribed: () => channel.remove(subscriber) });
    channel.add(subscriber);
    channel.begin(ok('c0'));
    assert.deepEqual(told, []);
  });

  it('is wanted until the last has left', () => {
    const { channel, subscriber } = subscription();
    const { subscriber: other } = follower();
    channel.add(other);
    channel.remove(subscriber);
    channel.remove(subscriber);
    assert.equal(channel.isWanted, true);
    channel.remove(other);
    assert.equal(channel.isWanted, false);
  });

  it('tells one who comes later, in a moment and alone, from where on messages come', (t) => {
    stopTime(t);
    const { channel, told } = subscription();
    channel.begin(ok('c0'));
    channel.deliver(message('chat', 1));
    const late = follower();
    channel.add(late.subscriber);
    assert.deepEqual(late.told, []);
    pass(t, 10);
    assert.deepEqual(late.told, ['on c1 undefined']);
    assert.deepEqual(told, ['on c0 undefined', '1']);
  });

  it('does not tell that to one who has left by then, nor where it was lost by then', (t) => {
    stopTime(t);
    const { channel } = subscription();
    channel.begin(ok('c0'));
    const gone = follower();
    channel.add(gone.subscriber);
    channel.remove(gone.subscriber);
    pass(t, 10);
    const patient = follower();
    channel.add(patient.subscriber);
    channel.lose();
    pass(t, 10);
    assert.deepEqual([gone.told, patient.told], [[], []]);
    channel.begin(ok('c0', true));
    assert.deepEqual(patient.told, ['on c0 true']);
  });

  it('tells each who is there of its end, once', () => {
    const { channel, told } = subscription();
    channel.begin(ok('c0'));
    channel.end(trouble('read_only'));
    channel.end(trouble('read_only'));
    channel.deliver(message('chat', 1));
    assert.deepEqual(told, ['on c0 undefined', 'error read_only', 'end read_only']);
    assert.deepEqual([channel.isWanted, channel.phase], [false, 'off']);
  });

  it('ends without an error where the program has closed the client itself', () => {
    const { channel, told, others } = subscription();
    channel.add({ onMessage: () => undefined });
    channel.begin(ok('c0'));
    channel.end(trouble('closed'));
    assert.deepEqual([told, others.errors], [['on c0 undefined', 'end closed'], []]);
  });
});

describe('One who comes to a subscription with a cursor of its own', () => {
  it('is told of a gap, and alone, where the others are elsewhere', (t) => {
    stopTime(t);
    const { channel, told } = subscription();
    channel.begin(ok('c5'));
    const late = follower({ from: 'c3' });
    channel.add(late.subscriber);
    pass(t, 10);
    assert.deepEqual(late.told, ['on c5 undefined', 'gap unknown_cursor']);
    channel.deliver(message('chat', 6));
    pass(t, 10);
    assert.deepEqual(late.told.slice(2), ['6']);
    assert.deepEqual(told, ['on c5 undefined', '6']);
  });

  it('is told of it before the next message, should that come first', (t) => {
    stopTime(t);
    const { channel } = subscription();
    channel.begin(ok('c5'));
    const late = follower({ from: 'c3' });
    channel.add(late.subscriber);
    channel.deliver(message('chat', 6));
    pass(t, 10);
    assert.deepEqual(late.told, ['gap unknown_cursor', '6', 'on c6 undefined']);
  });

  it('is told of none where the others are at the same place', (t) => {
    stopTime(t);
    const { channel } = subscription();
    channel.begin(ok('c5'));
    const late = follower({ from: 'c5' });
    channel.add(late.subscriber);
    pass(t, 10);
    assert.deepEqual(late.told, ['on c5 undefined']);
  });

  it('is told of it with the ok, where the gateway is being asked for another cursor', () => {
    const { channel, told } = subscription('c1');
    const other = follower({ from: 'c0' });
    channel.add(other.subscriber);
    channel.ask();
    channel.begin(ok('c1', true));
    assert.deepEqual(told, ['on c1 true']);
    assert.deepEqual(other.told, ['on c1 true', 'gap unknown_cursor']);
  });

  it('is told of one gap, and not of two, where all of them have one', () => {
    const { channel } = subscription('c1');
    const other = follower({ from: 'c0' });
    channel.add(other.subscriber);
    channel.begin(ok('c9', false));
    channel.miss(gap('chat', 9));
    channel.deliver(message('chat', 10));
    assert.deepEqual(other.told, ['on c1 false', 'gap unknown_cursor', '10']);
  });

  it('is told of none when it has left again', (t) => {
    stopTime(t);
    const { channel } = subscription();
    channel.begin(ok('c5'));
    const late = follower({ from: 'c3' });
    channel.add(late.subscriber);
    channel.remove(late.subscriber);
    pass(t, 10);
    channel.deliver(message('chat', 6));
    assert.deepEqual(late.told, []);
  });
});
