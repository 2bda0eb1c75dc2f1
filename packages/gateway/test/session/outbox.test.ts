import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import type { Duplex } from 'node:stream';
import { Outbox } from '#gateway/session/outbox.js';

/** A socket that passes on nothing until it is told to. */
class StuckSocket extends Writable {
  readonly passed: string[] = [];
  #release: (() => void) | undefined;
  open = false;

  constructor() {
    // Node's mark is of no account: it differs by version.
    super({ highWaterMark: 1_000_000 });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.passed.push(chunk.toString());
    if (this.open) done();
    else this.#release = done;
  }

  release(): void {
    this.#release?.();
  }
}

/** As much as the socket is given at a time. */
const FULL = 'x'.repeat(16_384);

function setUp(limitBytes: number) {
  const socket = new StuckSocket();
  let overflows = 0;
  let drains = 0;
  const allowed = { now: true };
  const outbox = new Outbox({
    // The outbox needs of a Duplex only what a Writable has.
    stream: socket as Writable as Duplex,
    mayWrite: () => allowed.now,
    limitBytes,
    onOverflow: () => {
      overflows += 1;
    },
    onDrain: () => {
      drains += 1;
    },
  });
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
      await new Promise((resolve) => setImmediate(resolve));
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
    await new Promise((resolve) => setImmediate(resolve));
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
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(socket.passed, [FULL]);
  });

  it('has no limit when it is infinite', () => {
    const { deliver, overflows } = setUp(Infinity);
    for (let index = 0; index < 10_000; index += 1) deliver('0123456789');
    assert.equal(overflows(), 0);
  });
});
