import { connect } from 'node:net';
import type { Socket } from 'node:net';

import { readHead, valuesOf } from './fuzz-head.ts';
import { inTime } from './wait.ts';

/** Longer than the gateway waits for anything of a request. */
const PATIENCE_MS = 15_000;

/**
 * Sends a request in these pieces, and returns all that was answered until the connection ended, or up to
 * 101. One that is not whole would be waited for: its sender ends its side at once, others once they
 * have been answered.
 */
export async function deliver(port: number, pieces: readonly string[]): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  const received: Buffer[] = [];
  socket.on('error', () => {
    // A reset is one way to be shown the door.
  });
  socket.on('end', () => socket.destroy());
  socket.on('data', (data) => {
    received.push(data);
    if (data.includes('HTTP/1.1 101 ')) socket.destroy();
    else socket.end();
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  for (const piece of pieces) await written(socket, piece);
  if (!isWhole(pieces.join(''))) socket.end();
  try {
    await inTime('the answer to a request', closed, PATIENCE_MS);
  } finally {
    socket.destroy();
  }
  return Buffer.concat(received).toString('latin1');
}

/** Each piece is a packet of its own: the one before it has left. */
function written(socket: Socket, piece: string): Promise<void> {
  return new Promise((resolve) => {
    if (socket.writable) socket.write(piece, 'latin1', () => resolve());
    else resolve();
  });
}

/** Whether nothing of it has yet to come, as far as it says itself. */
function isWhole(text: string): boolean {
  const head = readHead(text);
  if (head === undefined || valuesOf(head, 'transfer-encoding').length > 0) return false;
  return valuesOf(head, 'content-length').every((length) => !(Number(length) > head.body.length));
}
