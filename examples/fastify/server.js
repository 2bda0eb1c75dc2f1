// Fastify, with a gateway below /postern.
//
//   npm ci && npm run build
//   DATABASE_URL=postgres://localhost/app JWT_SECRET="$(openssl rand -hex 32)" PORT=8080 \
//     node examples/fastify/server.js
//
// Clients connect to ws://localhost:8080/postern/<channel>/<token>.
import fastify from 'fastify';
import { createGateway } from 'postern';

const { DATABASE_URL, JWT_SECRET, PORT = '0' } = process.env;
const gateway = createGateway({
  databaseUrl: DATABASE_URL,
  jwtSecret: JWT_SECRET,
  urlTokens: true,
});

const app = fastify();
app.addHook('onRequest', async (request, reply) => {
  if (gateway.handler(request.raw, reply.raw)) reply.hijack();
});
app.get('/', () => 'hello from Fastify\n');
gateway.attach(app.server);

process.once('SIGTERM', async () => {
  await gateway.stop();
  await app.close();
});

await app.listen({ port: Number(PORT) });
await gateway.start();
console.log(`Open at http://localhost:${app.server.address().port}`);
