/**
 * What a program does by the first page of the documentation of `ws` and `pg`: for each notification,
 * `send` to each client. Arguments: URL of the database, database channel.
 */
import { createServer } from 'node:http';

import pg from 'pg';
import { WebSocketServer } from 'ws';

const [url = '', channel = ''] = process.argv.slice(2);
const database = new pg.Client({ connectionString: url });
const server = createServer();
const { clients } = new WebSocketServer({ server, perMessageDeflate: false });

database.on('notification', ({ payload = '' }) => {
  for (const client of clients) client.send(payload);
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
