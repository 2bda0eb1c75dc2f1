import { randomBytes } from 'node:crypto';

/** The opcodes of RFC 6455 §5.2. */
export const opcodes = {
  continuation: 0,
  text: 1,
  binary: 2,
  close: 8,
  ping: 9,
  pong: 10,
} as const;

/** A frame to be sent, right or wrong: nothing is checked. */
export interface OutgoingFrame {
  readonly opcode: number;
  /** Empty by default. */
  readonly payload?: Buffer | string;
  /** True by default: the message ends here. */
  readonly fin?: boolean;
  /** True by default, as it must be for a client. */
  readonly masked?: boolean;
  /** The three reserved bits as a number; 0 by default. */
  readonly rsv?: number;
  /** A lie about the payload's length; the truth by default. */
  readonly announcedBytes?: number;
}

/** A frame that came from the server. */
export interface IncomingFrame {
  readonly opcode: number;
  readonly fin: boolean;
  readonly rsv: number;
  readonly masked: boolean;
  readonly payload: Buffer;
}

/** The bytes of a frame. */
export function encodeFrame(frame: OutgoingFrame): Buffer {
  const { opcode, payload = '', fin = true, masked = true, rsv = 0 } = frame;
  const bytes = Buffer.from(payload);
  const head = Buffer.from([(fin ? 0x80 : 0) | (rsv << 4) | opcode]);
  const length = encodeLength(frame.announcedBytes ?? bytes.length, masked);
  if (!masked) return Buffer.concat([head, length, bytes]);

  const mask = randomBytes(4);
  return Buffer.concat([head, length, mask, applyMask(bytes, mask)]);
}

/** A close frame's payload: code and reason. */
export function closePayload(code: number, reason = ''): Buffer {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code);
  payload.write(reason, 2);
  return payload;
}

/** Takes the first frame off `bytes`, or returns `undefined` while it is not complete. */
export function decodeFrame(
  bytes: Buffer,
): { readonly frame: IncomingFrame; readonly rest: Buffer } | undefined {
  if (bytes.length < 2) return undefined;
  const [first, second] = [bytes.readUInt8(0), bytes.readUInt8(1)];
  const masked = (second & 0x80) !== 0;
  const length = decodeLength(bytes, second & 0x7f);
  if (length === undefined) return undefined;

  const start = length.end + (masked ? 4 : 0);
  const end = start + length.value;
  if (bytes.length < end) return undefined;

  const data = bytes.subarray(start, end);
  const payload = masked ? applyMask(data, bytes.subarray(length.end, start)) : data;
  const frame = {
    opcode: first & 0x0f,
    fin: (first & 0x80) !== 0,
    rsv: (first >> 4) & 0x07,
    masked,
    payload,
  };
  return { frame, rest: bytes.subarray(end) };
}

function encodeLength(length: number, masked: boolean): Buffer {
  const maskBit = masked ? 0x80 : 0;
  if (length < 126) return Buffer.from([maskBit | length]);
  if (length < 65_536) return Buffer.from([maskBit | 126, length >> 8, length & 0xff]);
  const long = Buffer.alloc(9);
  long.writeUInt8(maskBit | 127);
  long.writeBigUInt64BE(BigInt(length), 1);
  return long;
}

function decodeLength(
  bytes: Buffer,
  short: number,
): { readonly value: number; readonly end: number } | undefined {
  if (short < 126) return { value: short, end: 2 };
  const end = short === 126 ? 4 : 10;
  if (bytes.length < end) return undefined;
  return { value: short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2)), end };
}

function applyMask(bytes: Buffer, mask: Buffer): Buffer {
  return Buffer.from(bytes.map((byte, index) => byte ^ (mask[index % 4] ?? 0)));
}
