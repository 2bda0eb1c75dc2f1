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
  // The outbox needs of a Duplex only what a Writable has.
  const sink = { stream: socket as Writable as Duplex, isOpen: true };
  const outbox = new Outbox(sink, limitBytes, () => {
    overflows += 1;
    outbox.close();
  });
  const deliver = (text: string) => outbox.deliver(Buffer.from(text));
  return { socket, sink, outbox, deliver, overflows: () => overflows };
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
    const { socket, outbox, deliver } = setUp(1_000_000);
    const texts = [FULL, ...Array.from({ length: 20 }, (_, index) => `frame ${index};${FULL}`)];
    for (const text of texts) deliver(text);
    assert.equal(socket.writableLength, FULL.length);
    assert.equal(outbox.queuedBytes, texts.join('').length);

    socket.open = true;
    while (outbox.queuedBytes > 0) {
      socket.release();
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(socket.passed.join(''), texts.join(''));
  });

  it('says once that too much is queued, counting what the socket holds', () => {
    const { deliver, outbox, overflows } = setUp(FULL.length + 20);
    deliver(FULL); // the socket holds it
    deliver('0123456789'); // these wait
    deliver('0123456789');
    assert.equal(overflows(), 0);
    deliver('!');
    assert.equal(overflows(), 1);
    deliver('!');
    assert.equal(overflows(), 1);
    assert.equal(outbox.queuedBytes, FULL.length);
  });

  it('takes back what waits when it is closed and sends nothing later', async () => {
    const { socket, outbox, deliver } = setUp(1_000_000);
    deliver(FULL);
    deliver('undelivered');
    assert.equal(outbox.close(), FULL.length);
    deliver('too late');
    socket.open = true;
    socket.release();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(socket.passed, [FULL]);
    assert.equal(outbox.queuedBytes, 0);
  });

  it('writes nothing once a closing handshake has begun, be it new or kept back', async () => {
    const { socket, sink, deliver } = setUp(1_000_000);
    deliver(FULL);
    deliver('kept back');
    sink.isOpen = false;
    deliver('new');
    socket.open = true;
    socket.release();
    await new Promise((resolve) => setImmediate(resolve));
    deliver('newer');
    assert.deepEqual(socket.passed, [FULL]);
  });

  it('has no limit when it is infinite', () => {
    const { deliver, overflows } = setUp(Infinity);
    for (let index = 0; index < 10_000; index += 1) deliver('0123456789');
    assert.equal(overflows(), 0);
  });
});
