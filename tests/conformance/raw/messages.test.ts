import assert from 'node:assert/strict';
import { it } from 'node:test';

import { closePayload, opcodes } from '../../support/frames.ts';
import { failOnLeaks } from '../../support/leaks.ts';
import { RawSocket } from '../../support/raw-socket.ts';
import { describeOn } from '../suites.ts';
import { pathOf, startTargets } from '../targets.ts';
import type { Target } from '../targets.ts';

const CHAT = { channel: 'chat' } as const;

const scope = failOnLeaks();

/** A connection whose frames are made by hand. */
async function byHand({ place, basePath }: Target, mode: string): Promise<RawSocket> {
  const socket = await RawSocket.connect(place);
  scope.after(() => Promise.resolve(socket.destroy()));
  const path = `${basePath}${await pathOf({ ...CHAT, mode })}`;
  assert.equal((await socket.upgrade(path)).status, 101);
  return socket;
}

for (const target of await startTargets()) {
  const connect = (mode: string) => target.connect(scope, { ...CHAT, mode });

  describeOn(target, 'a message', () => {
    it('reaches everybody who has the channel and may read, its sender too', async () => {
      const [sender, reader, other] = await Promise.all(['rw', 'r', 'rw'].map(connect));
      assert(sender !== undefined && reader !== undefined && other !== undefined);
      sender.send('hello');
      const text = await sender.message();
      assert.equal(JSON.parse(text).payload, 'hello');
      assert.deepEqual([await reader.message(), await other.message()], [text, text]);
    });

    it('does not come back to a sender who may only write', async () => {
      const writer = await connect('w');
      const reader = await connect('r');
      writer.send('one');
      await reader.message();
      await writer.ping();
      assert.deepEqual(writer.messages, []);
    });

    it('of a reader is ignored and counted', async () => {
      const reader = await target.connect(scope, { ...CHAT, mode: 'r', channels: [] });
      const writer = await connect('rw');
      for (const data of ['one', Buffer.from('two'), Buffer.from([0xff]), '']) reader.send(data);
      await reader.ping();
      writer.send('three');
      assert.equal(JSON.parse(await reader.message()).payload, 'three');
      await writer.message();

      await reader.close(4000);
      const { ignored } = await target.logged({ event: 'session_ended', code: 4000 });
      assert.equal(ignored, 4);
      assert.equal(writer.messages.length, 1);
    });

    it('may come in fragments, and goes out as one frame of text', async () => {
      const socket = await byHand(target, 'rw');
      const [head, tail] = [Buffer.from('caf\xc3', 'latin1'), Buffer.from('\xa9', 'latin1')];
      socket.sendFrame({ opcode: opcodes.text, payload: head, fin: false });
      socket.sendFrame({ opcode: opcodes.continuation, payload: tail });
      const { opcode, fin, rsv, masked, payload } = await socket.frame();
      assert.equal(JSON.parse(payload.toString()).payload, 'café');
      assert.deepEqual([opcode, fin, rsv, masked], [opcodes.text, true, 0, false]);
    });

    for (const opcode of [opcodes.text, opcodes.binary]) {
      it(`that is not UTF-8 closes 1007, with opcode ${opcode}`, async () => {
        const socket = await byHand(target, 'rw');
        socket.sendFrame({ opcode, payload: Buffer.from([0x68, 0xff]) });
        const frame = await socket.frame();
        assert.equal(frame.opcode, opcodes.close);
        assert.equal(frame.payload.readUInt16BE(), 1007);
      });
    }
  });

  describeOn(target, 'messages', () => {
    it('keep their order per sender and channel, and one order for all readers', async () => {
      const count = 100;
      const both = { mode: 'rw', channels: ['a', 'b'] };
      const readers = await Promise.all(
        [both, both].map((claims) => target.connect(scope, claims)),
      );
      const senders = await Promise.all(
        ['ann', 'bob', 'cid'].map((sub) =>
          target.connect(scope, { mode: 'w', channels: ['a', 'b'], sub }),
        ),
      );
      for (let n = 0; n < count; n += 1) for (const sender of senders) sender.send(String(n));

      const heard: string[] = [];
      for (let n = 0; n < count * 6; n += 1) {
        const [text, other] = await Promise.all(readers.map((reader) => reader.message()));
        assert.equal(other, text);
        heard.push(text ?? '');
      }
      const sequences = new Map<string, number[]>();
      for (const { channel, claims, payload } of heard.map((text) => JSON.parse(text))) {
        const key = `${claims.sub} ${channel}`;
        sequences.set(key, [...(sequences.get(key) ?? []), Number(payload)]);
      }
      const ascending = Array.from({ length: count }, (_, n) => n);
      assert.equal(sequences.size, 6);
      for (const [key, sequence] of sequences) assert.deepEqual(sequence, ascending, key);
    });
  });

  describeOn(target, 'a connection', () => {
    for (const mode of ['r', 'w', 'rw']) {
      it(`in mode ${mode} has its pings and its close answered`, async () => {
        const socket = await byHand(target, mode);
        socket.sendFrame({ opcode: opcodes.ping, payload: 'are you there?' });
        const pong = await socket.frame();
        assert.deepEqual([pong.opcode, String(pong.payload)], [opcodes.pong, 'are you there?']);

        socket.sendFrame({ opcode: opcodes.close, payload: closePayload(1000, 'bye') });
        const close = await socket.frame();
        assert.equal(close.opcode, opcodes.close);
        assert.equal(close.payload.readUInt16BE(), 1000);
        assert.deepEqual(await socket.ended(), Buffer.alloc(0));
      });
    }
  });
}
