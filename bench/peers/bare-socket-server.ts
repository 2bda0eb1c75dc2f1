/**
 * The least that Node can do: for each notification a frame that is built once, and `write` of it to each
 * socket. Arguments: see {@link relay}.
 */
import { createServer } from 'node:http';
import type { Duplex } from 'node:stream';

import { encodeFrame, opcodes } from '../../tests/support/frames.ts';
import { relay } from './relay.ts';

/** Of the key of RFC 6455, section 1.3, which all who come here send. */
const ACCEPTED = [
  'HTTP/1.1 101 Switching Protocols',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
  '\r\n',
].join('\r\n');

const server = createServer();
const sockets = new Set<Duplex>();

server.on('upgrade', (_request, socket: Duplex) => {
  socket.write(ACCEPTED);
  sockets.add(socket);
});
await relay(server, (payload) => {
  const frame = encodeFrame({ opcode: opcodes.text, payload, masked: false });
  for (const socket of sockets) socket.write(frame);
});
