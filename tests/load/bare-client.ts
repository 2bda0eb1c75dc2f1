import { connect } from 'node:net';
import type { Socket } from 'node:net';

import { encodeFrame, opcodes } from '../support/frames.ts';
import { inTime } from '../support/wait.ts';

/** Who comes in, and who is told of what comes. */
export interface BareOptions {
  readonly port: number;
  /** Path of the handshake. */
  readonly target: string;
  /** Of the handshake, beside what all of them have; each with its line break. */
  readonly lines?: string;
  /** Told of each text message. The bytes are only valid during the call. */
  readonly onText: (payload: Buffer) => void;
  /** Told when the connection is gone, unless it was left. */
  readonly onLost: () => void;
}

/** A client as cheap as Node allows: it answers pings, and reads nothing that nobody asked for. */
export interface BareClient {
  say(text: string): void;
  /** Writes frames made by {@link encodeFrame}. */
  write(frames: Buffer): void;
  leave(): void;
}

const AT_A_TIME = 50;
const PATIENCE_MS = 60_000;
const END_OF_HEAD = '\r\n\r\n';
/** Empty, and masked, as what comes from a client must be. */
const PONG = encodeFrame({ opcode: opcodes.pong });

/** Lengths of the headers of unmasked frames. What is sent here is shorter than 64 KiB. */
const SHORT_HEADER = 2;
const LONG_HEADER = 4;
const LONG_FRAME = 126;

/** Lets all of them in, some at a time, in their order. Rejects when one is refused. */
export async function enterAll(visitors: readonly BareOptions[]): Promise<readonly BareClient[]> {
  const clients: BareClient[] = [];
  while (clients.length < visitors.length) {
    const next = visitors.slice(clients.length, clients.length + AT_A_TIME).map(enter);
    clients.push(...(await inTime('the next clients', Promise.all(next), PATIENCE_MS)));
  }
  return clients;
}

function enter(options: BareOptions): Promise<BareClient> {
  const { port, target, lines = '' } = options;
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let head: Buffer = Buffer.alloc(0);
    const onHead = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf(END_OF_HEAD);
      if (end < 0) return;
      socket.off('data', onHead);
      if (!head.toString('latin1').startsWith('HTTP/1.1 101 '))
        reject(new Error(`Not 101, but ${head.toString('latin1', 0, end)}`));
      else resolve(clientOn(socket, options, head.subarray(end + END_OF_HEAD.length)));
    };
    socket.on('data', onHead);
    socket.on('error', reject);
    socket.write(
      `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n${lines}\r\n`,
    );
  });
}

function clientOn(socket: Socket, { onText, onLost }: BareOptions, first: Buffer): BareClient {
  const take = frameReader((opcode, payload) => {
    if (opcode === opcodes.text) onText(payload);
    else if (opcode === opcodes.ping) socket.write(PONG);
  });
  socket.on('data', take);
  socket.on('close', onLost);
  take(first);
  return {
    say: (payload) => socket.write(encodeFrame({ opcode: opcodes.text, payload })),
    write: (frames) => socket.write(frames),
    leave: () => {
      socket.off('close', onLost);
      socket.resetAndDestroy();
    },
  };
}

function frameReader(onFrame: (opcode: number, payload: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    let data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let ends = endsOf(data); data.length >= ends.frame; ends = endsOf(data)) {
      onFrame(data.readUInt8(0) & 0x0f, data.subarray(ends.header, ends.frame));
      data = data.subarray(ends.frame);
    }
    rest = data;
  };
}

/** Where header and frame end; `Infinity` while the header is not whole. */
function endsOf(data: Buffer): { readonly header: number; readonly frame: number } {
  const length = data.length < SHORT_HEADER ? Infinity : data.readUInt8(1);
  if (length < LONG_FRAME) return { header: SHORT_HEADER, frame: SHORT_HEADER + length };
  if (data.length < LONG_HEADER) return { header: LONG_HEADER, frame: Infinity };
  return { header: LONG_HEADER, frame: LONG_HEADER + data.readUInt16BE(SHORT_HEADER) };
}
