// A page whose tokens come from an identity provider, and last for a minute.
//
//   npm ci && npm run bundles
//   DATABASE_URL=postgres://localhost/app PORT=8080 node examples/token-renewal/server.js
//
// README.md beside this file says what to try. For this computer only: it speaks plain HTTP.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

import pg from 'pg';
import { createGateway } from 'postern';

import { startIdentityProvider } from './identity-provider.js';

const { DATABASE_URL, PORT = '0', TOKEN_SECONDS = '60' } = process.env;
const TICK_MS = 200;

const server = createServer((request, response) => {
  if (gateway.handler(request, response)) return;
  const route = routes[`${request.method} ${request.url}`];
  if (route === undefined) response.writeHead(404).end('Not found\n');
  else response.writeHead(200, { ...headers, 'Content-Type': route.type }).end(route.text);
});
await once(server.listen(Number(PORT), '127.0.0.1'), 'listening');
const { port } = server.address();
const origin = `http://localhost:${port}`;

const issuer = await startIdentityProvider({
  tokenSeconds: Number(TOKEN_SECONDS),
  allowedOrigin: origin,
});
const jwks = await fetch(`${issuer.url}/jwks`);

const gateway = createGateway({
  databaseUrl: DATABASE_URL,
  // By https it is the URL, `https://login.example.com/jwks`: new keys are fetched by themselves then.
  jwks: await jwks.text(),
  jwtIssuer: [issuer.url],
  jwtAudience: ['ticks.example'],
  allowedOrigins: [origin],
});
gateway.attach(server);

const headers = {
  'Content-Security-Policy':
    `default-src 'none'; script-src 'self'; style-src 'self'; ` +
    `connect-src 'self' ws://localhost:${port} ${issuer.url}; frame-ancestors 'none'; base-uri 'none'`,
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
};

const file = (url, type) => ({
  type: `${type}; charset=utf-8`,
  text: readFileSync(url, 'utf8').replace('{{identityProvider}}', issuer.url),
});

const routes = {
  'GET /': file(new URL('page.html', import.meta.url), 'text/html'),
  'GET /page.js': file(new URL('page.js', import.meta.url), 'text/javascript'),
  'GET /style.css': file(new URL('style.css', import.meta.url), 'text/css'),
  // `npm run bundles` makes it; what npm installs has it.
  'GET /client.js': file(
    new URL(import.meta.resolve('@postern/client/postern.js')),
    'text/javascript',
  ),
};

await gateway.start();

/** What must not be missed: 1, 2, 3 … */
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 1 });
pool.on('error', (error) => console.error(error));
let tick = 0;
const ticking = setInterval(() => {
  tick += 1;
  pool
    .query('SELECT postern.publish($1, to_jsonb($2::int))', ['ticks', tick])
    .catch((error) => console.error(error));
}, TICK_MS);

process.once('SIGTERM', async () => {
  clearInterval(ticking);
  await gateway.stop();
  await pool.end();
  issuer.stop();
  server.close();
  server.closeAllConnections();
});

console.log(`Open at ${origin}`);
