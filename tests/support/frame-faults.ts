import { deflateRawSync } from 'node:zlib';
import type { OutgoingFrame } from './frames.ts';
import { closePayload, encodeFrame, opcodes } from './frames.ts';
import type { Stage } from './rogue.ts';

const { continuation, text, binary, close, ping } = opcodes;
const K64 = 'x'.repeat(65_536);

/** A frame that claims any length at all, in its longest form, without a payload. */
function announcing(length: bigint, opcode: number = text): Buffer {
  const frame = encodeFrame({ opcode, announcedBytes: 65_536 });
  frame.writeBigUInt64BE(length, 2);
  return frame;
}

/** What is sent, and the close code that it gets: one, or that of each stage. */
interface FrameFault {
  readonly frames: readonly (OutgoingFrame | Buffer)[];
  readonly code: number | Readonly<Record<Stage, number>>;
}

/** What RFC 6455 forbids (§5, §7.4, §8.1), and what is too much, by its name. */
export const frameFaults: Readonly<Record<string, FrameFault>> = {
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
    code: { raw: 1007, v1: 1003, waiting: 3000 },
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
    code: { raw: 1009, v1: 4505, waiting: 3000 },
  },
  'a compressed message of 10 MiB': {
    frames: [{ opcode: text, payload: deflateRawSync(Buffer.alloc(10_485_760)), rsv: 4 }],
    code: 1002,
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
  row: (value: Value) => readonly [string, FrameFault],
): Readonly<Record<string, FrameFault>> {
  return Object.fromEntries(values.map(row));
}

/** The code that a stage gets. */
export const codeAt = ({ code }: FrameFault, stage: Stage): number =>
  typeof code === 'number' ? code : code[stage];
