// A page that shows a table of PostgreSQL as it is now.
//
//   npm ci && npm run bundles
//   DATABASE_URL=postgres://localhost/app PORT=8080 node examples/live-table/server.js
//
// README.md beside this file says what to try. For this computer only: it speaks plain HTTP.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

import { SignJWT } from 'jose';
import pg from 'pg';
import { createGateway } from 'postern';

const { DATABASE_URL, PORT = '0' } = process.env;
const secret = randomBytes(32).toString('hex');

const pool = new pg.Pool({ connectionString: DATABASE_URL });
pool.on('error', (error) => console.error(error));

const server = createServer((request, response) => {
  if (gateway.handler(request, response)) return;
  const route = routes[`${request.method} ${request.url}`];
  if (route === undefined) return void response.writeHead(404).end('Not found\n');
  Promise.resolve(route(request, response)).catch((error) => {
    console.error(error);
    response.destroy();
  });
});
await once(server.listen(Number(PORT), '127.0.0.1'), 'listening');
const { port } = server.address();
const origin = `http://localhost:${port}`;

const gateway = createGateway({
  databaseUrl: DATABASE_URL,
  jwtSecret: secret,
  allowedOrigins: [origin],
});
gateway.attach(server);

const headers = {
  'Content-Security-Policy':
    `default-src 'none'; script-src 'self'; style-src 'self'; ` +
    `connect-src 'self' ws://localhost:${port}; frame-ancestors 'none'; base-uri 'none'`,
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
};

const send = (response, type, body) =>
  response.writeHead(200, { ...headers, 'Content-Type': type }).end(body);

const file = (url, type) => {
  const text = readFileSync(url);
  return (request, response) => send(response, `${type}; charset=utf-8`, text);
};

const routes = {
  'GET /': file(new URL('page.html', import.meta.url), 'text/html'),
  'GET /page.js': file(new URL('page.js', import.meta.url), 'text/javascript'),
  'GET /style.css': file(new URL('style.css', import.meta.url), 'text/css'),
  // `npm run bundles` makes it; what npm installs has it.
  'GET /client.js': file(
    new URL(import.meta.resolve('@postern/client/postern.js')),
    'text/javascript',
  ),
  'POST /token': token,
  'GET /rows': rows,
};

/** Anybody may read the table here. A site with users asks who it is, and grants what that one may read. */
async function token(request, response) {
  const claims = new SignJWT({ mode: 'r', channels: ['products'] })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('5 min');
  send(response, 'text/plain', await claims.sign(Buffer.from(secret)));
}

async function rows(request, response) {
  const { rows: products } = await pool.query('SELECT id, name, stock FROM product');
  send(response, 'application/json', JSON.stringify(products));
}

process.once('SIGTERM', async () => {
  await gateway.stop();
  await pool.end();
  server.close();
  server.closeAllConnections();
});

// It migrates, so that there is `postern.publish` for the trigger.
await gateway.start();
await pool.query(readFileSync(new URL('table.sql', import.meta.url), 'utf8'));
console.log(`Open at ${origin}`);
