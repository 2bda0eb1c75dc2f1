// A server of Node with routes and WebSockets of its own, and a gateway below /postern.
//
//   npm ci && npm run build
//   DATABASE_URL=postgres://localhost/app JWT_SECRET="$(openssl rand -hex 32)" PORT=8080 \
//     node examples/node-http/server.js
//
// Clients connect to ws://localhost:8080/postern/<channel>/<token>.
import { createServer } from 'node:http';

import { createGateway } from 'postern';
import { WebSocketServer } from 'ws';

const { DATABASE_URL, JWT_SECRET, PORT = '0' } = process.env;
const gateway = createGateway({
  databaseUrl: DATABASE_URL,
  jwtSecret: JWT_SECRET,
  urlTokens: true,
});

const server = createServer((request, response) => {
  if (gateway.handler(request, response)) return;
  response.end('hello from node:http\n');
});
gateway.attach(server);

// A library that shares the server must take nothing but its own: with `{ server }` instead of
// `noServer`, `ws` would turn the clients of the gateway away.
const echo = new WebSocketServer({ noServer: true });
echo.on('connection', (socket) => socket.on('message', (data) => socket.send(String(data))));
server.on('upgrade', (request, socket, head) => {
  if (request.url === '/other')
    echo.handleUpgrade(request, socket, head, (client) => echo.emit('connection', client));
  else if (!request.url.startsWith('/postern')) socket.destroy();
});

process.once('SIGTERM', async () => {
  await gateway.stop();
  server.close();
  for (const client of echo.clients) client.close(1001);
});

server.listen(Number(PORT));
await gateway.start();
console.log(`Open at http://localhost:${server.address().port}`);
