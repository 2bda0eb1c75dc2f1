import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Hub } from '#gateway/hub/hub.js';

class Recorder {
  readonly frames: string[] = [];
  deliver(frame: Buffer): void {
    this.frames.push(frame.toString());
  }
}

describe('Hub', () => {
  it('hands one and the same frame to every subscriber of the channel and to nobody else', () => {
    const hub = new Hub();
    const frames = new Set<Buffer>();
    const collector = { deliver: (frame: Buffer) => void frames.add(frame) };
    const other = new Recorder();
    hub.subscribe('news', collector);
    hub.subscribe('news', { deliver: collector.deliver });
    hub.subscribe('weather', other);

    let encoded = 0;
    hub.broadcast('news', () => {
      encoded += 1;
      return Buffer.from('hello');
    });

    assert.equal(encoded, 1);
    assert.equal(frames.size, 1);
    assert.deepEqual(other.frames, []);
  });

  it('encodes nothing when nobody listens', () => {
    new Hub().broadcast('news', () => assert.fail('encoded for nobody'));
  });

  it('tells of a broadcast once, before anybody leaves because of it', () => {
    const told: (readonly number[])[] = [];
    const hub = new Hub((subscribers, bytes) => void told.push([subscribers, bytes]));
    const leaver = { deliver: () => hub.unsubscribe('news', leaver) };
    hub.subscribe('news', leaver);
    hub.subscribe('news', new Recorder());
    hub.broadcast('news', () => Buffer.from('hello'));
    hub.broadcast('weather', () => Buffer.from('nobody hears this'));
    assert.deepEqual(told, [[2, 5]]);
  });

  it('forgets a channel with its last subscriber', () => {
    const hub = new Hub();
    const [one, other] = [new Recorder(), new Recorder()];
    hub.subscribe('news', one);
    hub.subscribe('news', other);
    hub.unsubscribe('news', one);
    assert.equal(hub.size, 1);
    hub.unsubscribe('news', other);
    assert.equal(hub.size, 0);
  });

  it('keeps whoever subscribed since, when somebody unsubscribes twice', () => {
    const hub = new Hub();
    const [earlier, later] = [new Recorder(), new Recorder()];
    hub.subscribe('news', earlier);
    hub.unsubscribe('news', earlier);
    hub.subscribe('news', later);
    hub.unsubscribe('news', earlier);

    hub.broadcast('news', () => Buffer.from('still here'));
    assert.deepEqual(later.frames, ['still here']);
  });

  it('delivers to the others when a subscriber leaves during the delivery', () => {
    const hub = new Hub();
    const others = [new Recorder(), new Recorder()];
    const leaver = { deliver: () => hub.unsubscribe('news', leaver) };
    hub.subscribe('news', leaver);
    for (const other of others) hub.subscribe('news', other);

    hub.broadcast('news', () => Buffer.from('x'));
    hub.broadcast('news', () => Buffer.from('y'));
    for (const other of others) assert.deepEqual(other.frames, ['x', 'y']);
  });

  it('takes channel names for what they are, those of Object.prototype included', () => {
    const hub = new Hub();
    const recorder = new Recorder();
    hub.subscribe('__proto__', recorder);
    hub.broadcast('constructor', () => assert.fail('nobody listens to this'));
    hub.broadcast('__proto__', () => Buffer.from('x'));
    assert.deepEqual(recorder.frames, ['x']);
  });

  it('tells the subscribers of each channel something of their own', () => {
    const told: unknown[] = [];
    const hub = new Hub((subscribers) => void told.push(subscribers));
    const [both, one] = [new Recorder(), new Recorder()];
    hub.subscribe('news', both);
    hub.subscribe('weather', both);
    hub.subscribe('weather', one);
    hub.tellAll((channel) => Buffer.from(`of ${channel}`));
    assert.deepEqual(both.frames, ['of news', 'of weather']);
    assert.deepEqual(one.frames, ['of weather']);
    assert.deepEqual([told, [...hub.channels]], [[], ['news', 'weather']]);
  });
});
