import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { createAdmission } from '#gateway/session/admission.js';
import type { AdmissionParts, SseVisitor } from '#gateway/session/admission.js';
import type { Closing, Socket } from '#gateway/session/session.js';
import { Antechamber } from './antechamber.ts';

/** A reader's end of a stream, who reads all or nothing. */
class FakeReader implements Socket {
  isOpen = true;
  text = '';
  readonly done: string[] = [];
  readonly stream: Writable;

  constructor(reads: boolean) {
    this.stream = new Writable({
      write: (frame: Buffer, _encoding, written) => {
        this.text += frame.toString();
        if (reads) written();
      },
    });
  }

  ping(answered: () => void): void {
    this.done.push('ping');
    answered();
  }

  close(_code: number, { reason }: Closing): void {
    this.isOpen = false;
    this.done.push(`close ${reason}`);
  }

  terminate(): void {
    this.isOpen = false;
    this.done.push('terminate');
  }
}

const visitor = (channels: readonly string[], from?: string): SseVisitor => ({
  protocol: 'sse',
  claims: { sub: 'ada' },
  grant: { channels },
  expiresAt: undefined,
  address: '192.0.2.1',
  from,
});

/** Lets somebody in who reads these channels. */
function setUp(
  {
    channels = ['chat'],
    from,
    reads = true,
  }: { channels?: readonly string[]; from?: string; reads?: boolean } = {},
  options: Partial<AdmissionParts['options']> = {},
) {
  const chamber = new Antechamber(options);
  const reader = new FakeReader(reads);
  const session = createAdmission(chamber.parts)(reader, visitor(channels, from));
  return { chamber, reader, session };
}

const many = Array.from({ length: 100 }, (_, n) => `${n}-${'x'.repeat(190)}`);

describe('A session that reads a stream', () => {
  it('is asked for a sign of life every 15 s, and told where the feed is when that has moved on', () => {
    const { chamber, reader, session } = setUp();
    const { history, heartbeat } = chamber;
    const rest = (): string => reader.text.split('\n\n').slice(1).join('\n\n');
    for (let second = 0; second < 15; second += 1) heartbeat.tick();
    assert.deepEqual([reader.done, rest()], [['ping'], '']);
    history.add('of others', () => 'a text');
    for (let second = 0; second < 60; second += 1) heartbeat.tick();
    assert.equal(reader.done.length, 5);
    assert.equal(rest(), `id: ${history.cursor}\n\n`);
    session.lose(1006);
    history.add('of others', () => 'a text');
    for (let second = 0; second < 60; second += 1) heartbeat.tick();
    assert.equal(reader.done.length, 5);
  });

  it('is asked for nothing any more when it is over', () => {
    const chamber = new Antechamber();
    const { heartbeat } = chamber;
    const beating = new Set<unknown>();
    heartbeat.add = (one) => void beating.add(one);
    heartbeat.remove = (one) => void beating.delete(one);
    const session = createAdmission(chamber.parts)(new FakeReader(true), visitor(['chat']));
    assert.equal(beating.size, 2);
    session.lose(1006);
    assert.equal(beating.size, 0);
  });

  it('leaves nothing behind when what it is told first is too much for its outbox already', () => {
    const { chamber, reader } = setUp(
      { channels: many, from: 'another.1', reads: false },
      { queueBytes: 17_000 },
    );
    assert.deepEqual(reader.done, ['close Slow consumer']);
    assert.equal(chamber.streamHub.size, 0);
    assert.equal(chamber.registry.size, 0);
    chamber.beat();
    chamber.pass(86_400_000);
    assert.deepEqual(reader.done, ['close Slow consumer']);
  });

  it('takes nothing that could be said to it', () => {
    const { session, reader } = setUp();
    const before = reader.text;
    session.receive(Buffer.from('{"type":"ping","id":1}'), 'text');
    assert.equal(reader.text, before);
    assert.deepEqual(reader.done, []);
  });

  it('hears its channels as long as it is there', () => {
    const { chamber, session } = setUp({ channels: ['chat', 'news'] });
    assert.deepEqual([...chamber.streamHub.channels], ['chat', 'news']);
    session.lose(1006);
    assert.equal(chamber.streamHub.size, 0);
  });
});
