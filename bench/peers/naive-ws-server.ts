/**
 * What a program does by the first page of the documentation of `ws` and `pg`: for each notification,
 * `send` to each client. Arguments: see {@link relay}.
 */
import { createServer } from 'node:http';

import { WebSocketServer } from 'ws';

import { relay } from './relay.ts';

const server = createServer();
const { clients } = new WebSocketServer({ server, perMessageDeflate: false });

await relay(server, (payload) => {
  for (const client of clients) client.send(payload);
});
