// Hono, with a gateway below /postern.
//
//   npm ci && npm run build
//   DATABASE_URL=postgres://localhost/app JWT_SECRET="$(openssl rand -hex 32)" PORT=8080 \
//     node examples/hono/server.js
//
// Clients connect to ws://localhost:8080/postern/<channel>/<token>.
import { createServer } from 'node:http';

import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { createGateway } from 'postern';

const { DATABASE_URL, JWT_SECRET, PORT = '0' } = process.env;
const gateway = createGateway({
  databaseUrl: DATABASE_URL,
  jwtSecret: JWT_SECRET,
  urlTokens: true,
});

const app = new Hono();
app.get('/', (context) => context.text('hello from Hono\n'));

const answer = getRequestListener(app.fetch);
const server = createServer((request, response) => {
  if (!gateway.handler(request, response)) return answer(request, response);
});
gateway.attach(server);

process.once('SIGTERM', async () => {
  await gateway.stop();
  server.close();
});

server.listen(Number(PORT));
await gateway.start();
console.log(`Open at http://localhost:${server.address().port}`);
