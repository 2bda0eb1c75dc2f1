/**
 * The least that Node can do: for each notification a frame that is built once, and `write` of it to each
 * socket. Arguments: URL of the database, database channel.
 */
import { createServer } from 'node:http';
import type { Duplex } from 'node:stream';

import pg from 'pg';

import { encodeFrame, opcodes } from '../../tests/support/frames.ts';

/** Of the key of RFC 6455, section 1.3, which all who come here send. */
const ACCEPTED = [
  'HTTP/1.1 101 Switching Protocols',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
  '\r\n',
].join('\r\n');

const [url = '', channel = ''] = process.argv.slice(2);
const database = new pg.Client({ connectionString: url });
const server = createServer();
const sockets = new Set<Duplex>();

server.on('upgrade', (_request, socket: Duplex) => {
  socket.write(ACCEPTED);
  sockets.add(socket);
});
database.on('notification', ({ payload = '' }) => {
  const frame = encodeFrame({ opcode: opcodes.text, payload, masked: false });
  for (const socket of sockets) socket.write(frame);
});
await database.connect();
await database.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
// Whoever measured is gone.
process.stdin.resume().on('end', () => process.exit());
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  console.log(`listening ${port ?? 0}`);
});
