// Express, with a gateway below /postern.
//
//   npm ci && npm run build
//   DATABASE_URL=postgres://localhost/app JWT_SECRET="$(openssl rand -hex 32)" PORT=8080 \
//     node examples/express/server.js
//
// Clients connect to ws://localhost:8080/postern/<channel>/<token>.
import express from 'express';
import { createGateway } from 'postern';

const { DATABASE_URL, JWT_SECRET, PORT = '0' } = process.env;
const gateway = createGateway({
  databaseUrl: DATABASE_URL,
  jwtSecret: JWT_SECRET,
  urlTokens: true,
});

const app = express();
app.use(gateway.handler);
app.get('/', (request, response) => response.send('hello from Express\n'));

const server = app.listen(Number(PORT));
gateway.attach(server);

process.once('SIGTERM', async () => {
  await gateway.stop();
  server.close();
});

await gateway.start();
console.log(`Open at http://localhost:${server.address().port}`);
