// Follows orders, and adds them up in a file. README.md beside this file says how to run it.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

import { createClient } from '@postern/client';
import { SignJWT } from 'jose';
import { WebSocket } from 'ws';

const { POSTERN_URL, JWT_SECRET } = process.env;
const file = process.argv[2] ?? 'orders.json';

const books = existsSync(file)
  ? JSON.parse(readFileSync(file, 'utf8'))
  : { orders: 0, cents: 0, gaps: 0 };

/** The cursor and what was made of all before it: the file has both, or neither. */
function keep() {
  writeFileSync(`${file}.new`, JSON.stringify(books));
  renameSync(`${file}.new`, file);
}

const client = createClient({
  url: POSTERN_URL,
  WebSocket,
  getToken: () =>
    new SignJWT({ mode: 'r', channels: ['orders'] })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject('accounting')
      .setExpirationTime('5 min')
      .sign(Buffer.from(JWT_SECRET)),
});
const orders = client.channel('orders');

const stop = new AbortController();
process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort());

orders.subscribe(() => undefined, {
  from: books.cursor,
  onGap: () => undefined,
  onSubscribed: ({ cursor }) => {
    // What comes from now on is not to be missed, not even if this run ends before the first order.
    books.cursor ??= cursor;
    keep();
    console.log(`Following, after ${books.orders} orders`);
  },
});

for await (const item of orders.messages({ signal: stop.signal })) {
  books.cursor = item.cursor;
  if (item.type === 'gap') {
    books.gaps += 1;
    console.error(`Orders may be missing: ${item.reason}. Ask whoever keeps them.`);
  } else {
    books.orders += 1;
    books.cents += item.payload.cents;
    console.log(`Order ${item.payload.number}: ${books.orders} in all, ${books.cents} cents`);
  }
  keep();
}
client.close();
