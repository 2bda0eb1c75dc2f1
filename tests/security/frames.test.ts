import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { OutgoingFrame } from '../support/frames.ts';
import { closePayload, encodeFrame, opcodes } from '../support/frames.ts';
import type { TestGateway } from '../support/gateway.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { listen } from '../support/listen.ts';
import { freshDatabase } from '../support/postgres.ts';
import { enter } from '../support/rogue.ts';
import { inSeconds } from '../support/tokens.ts';

const scope = failOnLeaks();
const { url: databaseUrl, channel } = await freshDatabase({ after });

const claims = { mode: 'rw', channels: ['chat'], exp: inSeconds(3_600) };
const { continuation, text, binary, close, ping, pong } = opcodes;
const K64 = 'x'.repeat(65_536);

function start(): Promise<TestGateway> {
  return startGateway(scope, {
    databaseUrl,
    environment: { POSTERN_DATABASE_CHANNEL: channel, POSTERN_POOL_SIZE: '1' },
  });
}

/** A frame that claims any length at all, in its longest form, without a payload. */
function announcing(length: bigint, opcode: number = text): Buffer {
  const frame = encodeFrame({ opcode, announcedBytes: 65_536 });
  frame.writeBigUInt64BE(length, 2);
  return frame;
}

interface Case {
  readonly frames: readonly (OutgoingFrame | Buffer)[];
  readonly code: number;
}

/** What RFC 6455 forbids (§5, §7.4, §8.1), and what is too much; and the close code that it gets. */
const cases: Readonly<Record<string, Case>> = {
  'an unmasked text': { frames: [{ opcode: text, payload: 'x', masked: false }], code: 1002 },
  'an unmasked close': { frames: [{ opcode: close, masked: false }], code: 1002 },
  'an unmasked ping': { frames: [{ opcode: ping, masked: false }], code: 1002 },
  ...each([1, 2, 3, 4, 5, 6, 7], (rsv) => [
    `reserved bits ${rsv}`,
    { frames: [{ opcode: text, payload: 'x', rsv }], code: 1002 },
  ]),
  ...each([3, 4, 5, 6, 7, 11, 12, 13, 14, 15], (opcode) => [
    `the reserved opcode ${opcode}`,
    { frames: [{ opcode, payload: 'x' }], code: 1002 },
  ]),
  'a continuation of nothing': { frames: [{ opcode: continuation, payload: 'x' }], code: 1002 },
  'a message within a message': {
    frames: [
      { opcode: text, payload: 'x', fin: false },
      { opcode: text, payload: 'y' },
    ],
    code: 1002,
  },
  'a ping in fragments': { frames: [{ opcode: ping, fin: false }], code: 1002 },
  'a ping of 126 bytes': { frames: [{ opcode: ping, payload: 'x'.repeat(126) }], code: 1002 },
  'a close of 126 bytes': {
    frames: [{ opcode: close, payload: closePayload(1000, 'x'.repeat(124)) }],
    code: 1002,
  },
  'a close of one byte': { frames: [{ opcode: close, payload: 'x' }], code: 1002 },
  ...each([0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535], (code) => [
    `a close with the code ${code}`,
    { frames: [{ opcode: close, payload: closePayload(code) }], code: 1002 },
  ]),
  'a close whose reason is not UTF-8': {
    frames: [{ opcode: close, payload: Buffer.from([0x03, 0xe8, 0xc0, 0xaf]) }],
    code: 1007,
  },
  ...each(['c0af', 'eda080', 'f4908080', 'ff', 'e282', '80', 'f0808080'], (hex) => [
    `a text of the bytes ${hex}`,
    { frames: [{ opcode: text, payload: Buffer.from(hex, 'hex') }], code: 1007 },
  ]),
  'a binary message that is not UTF-8': {
    frames: [{ opcode: binary, payload: Buffer.from([0x61, 0xff]) }],
    code: 1007,
  },
  'a text that is cut off within a character, over two fragments': {
    frames: [
      { opcode: text, payload: Buffer.from([0xe2, 0x82]), fin: false },
      { opcode: continuation, payload: Buffer.from([0x28]) },
    ],
    code: 1007,
  },
  'a frame one byte too long': { frames: [{ opcode: text, payload: `${K64}x` }], code: 1009 },
  'a frame that announces 100 MiB': { frames: [announcing(104_857_600n)], code: 1009 },
  'a frame that announces 2^53 bytes': { frames: [announcing(2n ** 53n)], code: 1009 },
  'a frame that announces 2^64 - 1 bytes': { frames: [announcing(2n ** 64n - 1n)], code: 1009 },
  'a ping that announces 2^40 bytes': { frames: [announcing(2n ** 40n, ping)], code: 1002 },
  'fragments that are too long together': {
    frames: [
      { opcode: text, payload: K64, fin: false },
      { opcode: continuation, payload: 'x', fin: false },
    ],
    code: 1009,
  },
  'a message that fits a frame and no notification': {
    frames: [{ opcode: text, payload: K64 }],
    code: 1009,
  },
  'a message of 1,025 empty fragments': {
    frames: Array.from({ length: 1_025 }, (_, index) => ({
      opcode: index === 0 ? text : continuation,
      fin: false,
    })),
    code: 1008,
  },
};

function each<Value>(
  values: readonly Value[],
  row: (value: Value) => readonly [string, Case],
): Readonly<Record<string, Case>> {
  return Object.fromEntries(values.map(row));
}

describe('What breaks the rules of frames', () => {
  it('ends its own connection with the right code, is heard by nobody and harms nobody', async () => {
    const gateway = await start();
    const listener = await listen(scope, { url: databaseUrl, channel });
    const witness = await gateway.client(claims);

    for (const [name, { frames, code }] of Object.entries(cases)) {
      const rogue = await enter(scope, gateway.port, claims);
      const bytes = frames.map((frame) => (Buffer.isBuffer(frame) ? frame : encodeFrame(frame)));
      rogue.write(Buffer.concat([...bytes, encodeFrame({ opcode: text, payload: 'afterwards' })]));
      const { opcode, payload } = await rogue.frame();
      assert.deepEqual([name, opcode, payload.readUInt16BE()], [name, close, code]);
      rogue.destroy();
    }
    witness.send('marker');
    assert.match(await witness.message(), /"payload":"marker"/);
    assert.equal((await listener.heard(1)).length, 1);
    await witness.close();
  });

  it('is no message that comes in many frames, with pings in between', async () => {
    const gateway = await start();
    const rogue = await enter(scope, gateway.port, claims);
    const letters = [...'fragments'];
    for (const [index, payload] of letters.entries()) {
      const fin = index === letters.length - 1;
      rogue.sendFrame({ opcode: index === 0 ? text : continuation, payload, fin });
      rogue.sendFrame({ opcode: ping, payload });
    }
    const answers = [];
    while (answers.length <= letters.length) answers.push(await rogue.frame());
    const pongs = answers.filter(({ opcode }) => opcode === pong);
    assert.equal(pongs.map(({ payload }) => payload.toString()).join(''), 'fragments');
    const message = answers.find(({ opcode }) => opcode === text);
    assert.match(String(message?.payload), /"payload":"fragments"/);
  });

  it('is answered in the words of the failure table where the gateway itself finds it', async () => {
    const gateway = await start();
    for (const [payload, expected] of [
      [Buffer.from([0x61, 0xff]), closePayload(1007, 'Invalid UTF-8')],
      [Buffer.from('x'.repeat(8_000)), closePayload(1009, 'Message too big')],
    ] as const) {
      const rogue = await enter(scope, gateway.port, claims);
      rogue.sendFrame({ opcode: binary, payload });
      assert.deepEqual((await rogue.frame()).payload, expected);
    }
  });

  it('is a flood of pings by a client that reads no pong: it is cut off', async () => {
    const gateway = await start();
    const witness = await gateway.client(claims);
    const rogue = await enter(scope, gateway.port, claims);
    rogue.pause();
    const pings = Buffer.concat(
      Array.from({ length: 500 }, () => encodeFrame({ opcode: ping, payload: 'x'.repeat(125) })),
    );
    let over = false;
    const ended = gateway.logged('session_ended', 20_000).finally(() => (over = true));
    while (!over) {
      rogue.write(pings);
      await witness.ping();
    }
    assert.equal((await ended)['code'], 1006);
    await witness.close();
  });
});
