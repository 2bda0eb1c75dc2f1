import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Flusher } from '#gateway/session/flusher.js';
import type { Sender } from '#gateway/session/outbox.js';
import { Outbox } from '#gateway/session/outbox.js';
import { FlushAtOnce } from './flush-at-once.ts';

/** A socket that passes on nothing until it is told to. */
class StuckSocket extends Writable {
  readonly chunks: Buffer[] = [];
  #release: (() => void) | undefined;
  open = false;

  constructor() {
    // Node's mark is of no account: it differs by version.
    super({ highWaterMark: 1_000_000 });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.chunks.push(chunk);
    if (this.open) done();
    else this.#release = done;
  }

  get passed(): readonly string[] {
    return this.chunks.map(String);
  }

  release(): void {
    this.#release?.();
  }
}

/** As much as the socket is given at a time. */
const FULL = 'x'.repeat(16_384);

function setUp(limitBytes: number, flusher: Pick<Flusher, 'add' | 'none'> = new FlushAtOnce()) {
  const socket = new StuckSocket();
  let overflows = 0;
  let drains = 0;
  const allowed = { now: true };
  const sender: Sender = {
    get mayWrite() {
      return allowed.now;
    },
    overflowed: () => void (overflows += 1),
    drained: () => void (drains += 1),
  };
  const outbox = new Outbox(sender, { stream: socket, flusher, limitBytes });
  const deliver = (text: string) => outbox.deliver(Buffer.from(text));
  return { socket, allowed, outbox, deliver, overflows: () => overflows, drains: () => drains };
}

describe('Outbox', () => {
  it('writes at once while the socket takes frames', () => {
    const { socket, deliver } = setUp(100);
    socket.open = true;
    deliver('one');
    deliver('two');
    assert.deepEqual(socket.passed, ['one', 'two']);
  });

  it('writes what came in one turn of the loop as one, and to many sockets the same bytes', async () => {
    const flusher = new Flusher();
    const [one, other, late] = [setUp(100, flusher), setUp(100, flusher), setUp(100, flusher)];
    const frames = ['a', 'b', 'c'].map((text) => Buffer.from(text));
    for (const [place, frame] of frames.entries())
      for (const { outbox } of place === 0 ? [one, other] : [one, other, late])
        outbox.deliver(frame);
    assert.deepEqual([one.socket.passed, one.outbox.queuedBytes], [[], 3]);

    await turn();
    assert.deepEqual([one.socket.passed, late.socket.passed], [['abc'], ['bc']]);
    assert.equal(one.socket.chunks[0], other.socket.chunks[0]);
  });

  it('writes a frame that is alone as it is: nothing is copied', async () => {
    const flusher = new Flusher();
    const { socket, outbox } = setUp(100, flusher);
    const frame = Buffer.from('alone');
    outbox.deliver(frame);
    await turn();
    assert.equal(socket.chunks[0], frame);
  });

  it('does not let a burst wait for the end of the turn that is more than the socket is given at a time', () => {
    const { socket, outbox, overflows } = setUp(20_000, new Flusher());
    socket.open = true;
    for (let n = 0; n < 100; n += 1) outbox.deliver(Buffer.from(`${n};`.padEnd(7_000)));
    assert.deepEqual([overflows(), socket.passed.length, outbox.queuedBytes], [0, 49, 14_000]);
  });

  it('does not take the end of one write for that of a later one, which still lies in the socket', async () => {
    const { socket, deliver } = setUp(1_000_000);
    socket.open = true;
    deliver(FULL); // taken at once; that it is, is told later
    socket.open = false;
    deliver(FULL);
    deliver('waits');
    await turn();
    assert.equal(socket.writableLength, FULL.length);
    socket.open = true;
    socket.release();
    await turn();
    assert.equal(socket.passed.join(''), `${FULL}${FULL}waits`);
  });

  it('sends more than it gives the socket at a time in the order in which it came', async () => {
    const { socket, outbox, drains } = setUp(1_000_000, new Flusher());
    const texts = Array.from({ length: 50 }, (_, index) => `${index};`.padEnd(1_000));
    for (const text of texts) outbox.deliver(Buffer.from(text));
    assert.equal(outbox.takesFrames, false);
    socket.open = true;
    socket.release();
    while (outbox.queuedBytes > 0) await turn();
    assert.equal(socket.passed.join(''), texts.join(''));
    assert.deepEqual([socket.passed[0]?.length, drains()], [16_000, 1]);
  });

  it('keeps frames back while the socket is full and sends them in order when it has drained', async () => {
    const { socket, outbox, deliver, drains } = setUp(1_000_000);
    const texts = [FULL, ...Array.from({ length: 20 }, (_, index) => `frame ${index};${FULL}`)];
    for (const text of texts) deliver(text);
    assert.equal(socket.writableLength, FULL.length);
    assert.equal(outbox.queuedBytes, texts.join('').length);
    assert.deepEqual([outbox.takesFrames, drains()], [false, 0]);

    socket.open = true;
    while (outbox.queuedBytes > 0) {
      socket.release();
      await turn();
    }
    assert.equal(socket.passed.join(''), texts.join(''));
    // Once it is empty, and not with each of those that waited.
    assert.deepEqual([outbox.takesFrames, drains()], [true, 1]);
  });

  it('says that a frame finds no room, counting what the socket holds', () => {
    const { deliver, outbox, overflows } = setUp(FULL.length + 20);
    deliver(FULL); // the socket holds it
    deliver('0123456789'); // these wait
    deliver('0123456789');
    assert.equal(overflows(), 0);
    deliver('!');
    assert.equal(overflows(), 1);
    assert.equal(outbox.queuedBytes, FULL.length + 20);
  });

  it('takes back what waits when it is cleared', async () => {
    const { socket, outbox, deliver } = setUp(1_000_000);
    deliver(FULL);
    deliver('undelivered');
    assert.equal(outbox.clear(), FULL.length);
    socket.open = true;
    socket.release();
    await turn();
    assert.deepEqual(socket.passed, [FULL]);
    assert.equal(outbox.queuedBytes, 0);
  });

  it('asks again before it writes what was kept back: by then the time may be over', async () => {
    const { socket, allowed, deliver } = setUp(1_000_000);
    deliver(FULL);
    deliver('kept back');
    allowed.now = false;
    socket.open = true;
    socket.release();
    await turn();
    assert.deepEqual(socket.passed, [FULL]);
  });

  it('has no limit when it is infinite', () => {
    const { deliver, overflows } = setUp(Infinity);
    for (let index = 0; index < 10_000; index += 1) deliver('0123456789');
    assert.equal(overflows(), 0);
  });
});
