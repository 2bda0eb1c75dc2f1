// Publishes orders 1 to 10, or as many as it is told. README.md beside this file says how to run it.
import { createClient } from '@postern/client';
import { SignJWT } from 'jose';
import { WebSocket } from 'ws';

const { POSTERN_URL, JWT_SECRET } = process.env;
const count = Number(process.argv[2] ?? 10);

const client = createClient({
  url: POSTERN_URL,
  WebSocket,
  getToken: () =>
    new SignJWT({ mode: 'w', channels: ['orders'] })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject('shop')
      .setExpirationTime('5 min')
      .sign(Buffer.from(JWT_SECRET)),
});
const orders = client.channel('orders');

for (let number = 1; number <= count; number++) {
  // By its key it is published once, whoever says it again: the client after a break, or the next run.
  const key = `order-${number}`;
  const { duplicate } = await orders.publish({ number, cents: 100 * number }, { key });
  console.log(`Order ${number} ${duplicate ? 'was published before' : 'is published'}`);
}
client.close();
