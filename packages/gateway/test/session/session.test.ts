import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import { failures } from '@postern/client/protocol';
import type { CloseCodeOf } from '#gateway/session/close-codes.js';
import { deadlineAt } from '#gateway/session/deadline.js';
import { Flusher } from '#gateway/session/flusher.js';
import type { Rate } from '#gateway/session/rate-limit.js';
import type { Close, Closing } from '#gateway/session/session.js';
import { Session } from '#gateway/session/session.js';
import { FlushAtOnce } from './flush-at-once.ts';
import { TurnedClock } from './turned-clock.ts';

const TOLD_TOO_LATE = 65_536;

/** A stream to a client that reads nothing: whatever is written stays. */
class FullStream extends Duplex {
  override _read(): void {
    // Nothing comes.
  }

  override _write(): void {
    // Nothing goes.
  }
}

interface Given {
  readonly stream?: Duplex;
  readonly rate?: Rate;
  readonly closeCodeOf?: CloseCodeOf;
  readonly flusher?: Pick<Flusher, 'add' | 'none'>;
  readonly queueBytes?: number;
}

function setUp({
  stream = new FullStream(),
  rate = { perSecond: 0, burst: 1 },
  closeCodeOf = ({ close }) => close,
  flusher = new FlushAtOnce(),
  queueBytes = Infinity,
}: Given = {}) {
  const clock = new TurnedClock();
  const done: string[] = [];
  const messages: string[] = [];
  const closes: Close[] = [];
  const socket = {
    stream,
    isOpen: true,
    ping: () => void done.push('ping'),
    close: (code: number, { reason }: Closing) => void done.push(`close ${code} ${reason}`),
    terminate: () => void done.push('terminate'),
  };
  const session = new Session({
    id: 'id',
    protocol: 'raw',
    socket,
    grant: { channels: ['chat'], readable: ['chat'], writable: ['chat'] },
    claims: {},
    expiresAt: undefined,
    deadline: deadlineAt(clock.wallMs() + 1_000, clock),
    deadlineFailure: failures.tokenExpired,
    clock,
    closeCodeOf,
    flusher,
    rate,
    queueBytes,
    onMessage: (data) => void messages.push(data.toString()),
    excessRate: undefined,
    onDrain: () => undefined,
    onEnd: (close) => void closes.push(close),
  });
  return { clock, stream, socket, session, done, messages, closes };
}

/** A stream to a client that reads when it is told to. */
class SlowStream extends Duplex {
  readonly passed: string[] = [];
  #read: (() => void) | undefined;

  override _read(): void {
    // Nothing comes.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.passed.push(chunk.toString());
    this.#read = done;
  }

  read1(): void {
    this.#read?.();
  }
}

describe('Session', () => {
  it('delivers nothing after its deadline that was kept back before it', async () => {
    const stream = new SlowStream();
    const { clock, session, done } = setUp({ stream });
    const full = 'x'.repeat(16_384);
    session.deliver(Buffer.from(full));
    session.deliver(Buffer.from('kept back'));
    clock.pass(1_000);
    stream.read1();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(stream.passed, [full]);
    // Whoever writes to it leaves its end to the wheel.
    assert.deepEqual(done, []);
    session.expire();
    assert.deepEqual(done, ['close 3001 JWT expired']);
  });

  it('writes what it was owed in this turn before it says anything else to the socket', () => {
    for (const [what, say] of [
      ['ping', (session: Session) => session.beat()],
      ['pong', (session: Session) => session.pinged()],
      ['close', (session: Session) => session.end(failures.goingAway)],
    ] as const) {
      const { session, stream } = setUp({ flusher: new Flusher() });
      session.deliver(Buffer.from('owed'));
      assert.equal(stream.writableLength, 0, what);
      say(session);
      assert.equal(stream.writableLength, 4, what);
    }
  });

  it('writes nothing of what it was owed when its deadline has come in between', async () => {
    for (const over of [
      ({ clock }: ReturnType<typeof setUp>) => clock.pass(1_000),
      ({ clock, session }: ReturnType<typeof setUp>) => (clock.pass(1_000), session.expire()),
      ({ session }: ReturnType<typeof setUp>) => session.lose(1_000),
      ({ socket }: ReturnType<typeof setUp>) => (socket.isOpen = false),
    ]) {
      const parts = setUp({ flusher: new Flusher() });
      parts.session.deliver(Buffer.from('owed'));
      over(parts);
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(parts.stream.writableLength, 0);
    }
  });

  it('that is over is not ended as a slow consumer, however much was broadcast meanwhile', () => {
    const { clock, session, done } = setUp({ queueBytes: 20_000 });
    session.deliver(Buffer.alloc(16_384));
    clock.pass(1_000);
    for (let n = 0; n < 10; n += 1) session.deliver(Buffer.alloc(8_192));
    assert.deepEqual(done, ['close 3001 JWT expired']);
  });

  it('writes nothing once a closing handshake has begun, be it new or kept back', async () => {
    const stream = new SlowStream();
    const { socket, session } = setUp({ stream });
    const full = 'x'.repeat(16_384);
    session.deliver(Buffer.from(full));
    session.deliver(Buffer.from('kept back'));
    socket.isOpen = false;
    session.deliver(Buffer.from('new'));
    stream.read1();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(stream.passed, [full]);
  });

  it('carries both ways until its deadline, and neither from then on', () => {
    const { clock, stream, session, done, messages, closes } = setUp();
    clock.pass(999);
    session.deliver(Buffer.from('out'));
    session.receive(Buffer.from('in'), 'text');
    assert.deepEqual([stream.writableLength, messages, done], [3, ['in'], []]);

    clock.pass(1);
    session.deliver(Buffer.from('out'));
    session.receive(Buffer.from('in'), 'text');
    assert.deepEqual([stream.writableLength, messages], [3, ['in']]);
    assert.deepEqual(done, ['close 3001 JWT expired']);
    assert.deepEqual(closes, [{ code: 3001, by: 'gateway', failure: 'tokenExpired' }]);
  });

  it('ends by the code that its failure has here, and is known by the failure’s name', () => {
    const other: CloseCodeOf = ({ close }) => (close === 3001 ? 4321 : close);
    const { clock, session, done, closes } = setUp({ closeCodeOf: other });
    clock.pass(1_000);
    session.receive(Buffer.from('in'), 'text');
    assert.deepEqual(done, ['close 4321 JWT expired']);
    assert.deepEqual(closes, [{ code: 4321, by: 'gateway', failure: 'tokenExpired' }]);
  });

  it('ends at a message of the client’s that comes at the deadline', () => {
    const { clock, session, messages, closes } = setUp();
    clock.pass(1_000);
    session.receive(Buffer.from('in'), 'text');
    assert.deepEqual([messages, closes.length], [[], 1]);
  });

  it('takes no message that is over its rate, and ends', () => {
    const { session, messages, done } = setUp({ rate: { perSecond: 0.001, burst: 2 } });
    for (const text of ['one', 'two', 'three', 'four']) session.receive(Buffer.from(text), 'text');
    assert.deepEqual([messages, done], [['one', 'two'], ['close 4029 Rate limited']]);
  });

  it('ends once, whoever ends it, and is lost quietly after that', () => {
    const { session, done, closes } = setUp();
    session.end(failures.slowConsumer);
    session.end(failures.goingAway);
    session.expire();
    session.lose(1006);
    assert.deepEqual(done, ['close 4008 Slow consumer']);
    assert.deepEqual(closes, [{ code: 4008, by: 'gateway', failure: 'slowConsumer' }]);
  });

  it('that the client closed, or that broke, closes nothing itself', () => {
    const { session, done, closes } = setUp();
    session.lose(1000);
    session.end(failures.goingAway);
    assert.deepEqual([done, closes], [[], [{ code: 1000, by: 'client', failure: 'normal' }]]);
  });

  it('is cut off at once when the close frame would come after more than 64 KiB', () => {
    for (const [bytes, expected] of [
      [TOLD_TOO_LATE, 'close 3001 JWT expired'],
      [TOLD_TOO_LATE + 1, 'terminate'],
    ] as const) {
      const { session, done, closes } = setUp();
      session.deliver(Buffer.alloc(bytes));
      session.expire();
      assert.deepEqual(done, [expected]);
      assert.deepEqual(closes, [{ code: 3001, by: 'gateway', failure: 'tokenExpired' }]);
    }
  });

  it('counts only what can no longer be taken back as being in front of the close frame', () => {
    const { session, done, stream } = setUp();
    for (let n = 0; n < 100; n += 1) session.deliver(Buffer.alloc(8_192));
    assert.ok(stream.writableLength <= TOLD_TOO_LATE);
    session.expire();
    assert.deepEqual(done, ['close 3001 JWT expired']);
  });

  it('is cut off when it has answered none of two pings, and not before', () => {
    const { session, done, closes } = setUp();
    session.beat();
    session.alive();
    session.beat();
    session.beat();
    assert.deepEqual([done, closes], [['ping', 'ping', 'ping'], []]);
    session.beat();
    assert.equal(done.at(-1), 'terminate');
    assert.deepEqual(closes, [{ code: 1006, by: 'gateway', failure: 'abnormal' }]);
  });
});
