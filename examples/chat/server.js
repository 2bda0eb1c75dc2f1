// Chat rooms: who is logged in to the site reads and writes.
//
//   npm ci && npm run bundles
//   DATABASE_URL=postgres://localhost/app PORT=8080 node examples/chat/server.js
//
// README.md beside this file says what to try. For this computer only: it speaks plain HTTP.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

import pg from 'pg';
import { createGateway } from 'postern';

import { createSessions } from './sessions.js';

const { DATABASE_URL, PORT = '0' } = process.env;

const pool = new pg.Pool({ connectionString: DATABASE_URL });
pool.on('error', (error) => console.error(error));

const sessions = createSessions();

const server = createServer((request, response) => {
  if (gateway.handler(request, response)) return;
  const { pathname } = new URL(request.url, origin);
  const route = routes[`${request.method} ${pathname}`];
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
  // The gateway verifies no tokens of the site here, but will not start without a key.
  jwtSecret: randomBytes(32).toString('hex'),
  authenticate: (request) => {
    const session = sessions.of(request);
    return session === undefined ? undefined : { ...session, mode: 'rw', channels: ['room:*'] };
  },
  allowedOrigins: [origin],
  // Plain HTTP from this very computer may preauthenticate. Never where others can connect.
  development: true,
});
gateway.attach(server);

const headers = {
  'Content-Security-Policy':
    `default-src 'none'; script-src 'self'; style-src 'self'; ` +
    `connect-src 'self' ws://localhost:${port}; ` +
    `form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

const file = (url, type) => {
  const text = readFileSync(url);
  return (request, response) =>
    response.writeHead(200, { ...headers, 'Content-Type': `${type}; charset=utf-8` }).end(text);
};

const routes = {
  'GET /': file(new URL('page.html', import.meta.url), 'text/html'),
  'GET /login': file(new URL('login.html', import.meta.url), 'text/html'),
  'GET /page.js': file(new URL('page.js', import.meta.url), 'text/javascript'),
  'GET /style.css': file(new URL('style.css', import.meta.url), 'text/css'),
  // `npm run bundles` makes it; what npm installs has it.
  'GET /client.js': file(
    new URL(import.meta.resolve('@postern/client/postern.js')),
    'text/javascript',
  ),
  'POST /login': login,
  'POST /logout': logout,
  'GET /messages': messagesOf,
  'POST /messages': keep,
};

async function login(request, response) {
  const form = new URLSearchParams(await ownBody(request));
  const cookie = sessions.begin(form.get('user'), form.get('password'));
  if (cookie === undefined) return response.writeHead(303, { Location: '/login' }).end();
  response.writeHead(303, { ...headers, Location: '/', 'Set-Cookie': cookie }).end();
}

async function logout(request, response) {
  if ((await ownBody(request)) === undefined) return response.writeHead(403).end();
  const sid = sessions.end(request);
  // So that all pages of this login are closed now, and not at its `exp`.
  if (sid !== undefined) await pool.query('SELECT postern.revoke(sid => $1)', [sid]);
  response.writeHead(303, { ...headers, Location: '/login' }).end();
}

async function messagesOf(request, response) {
  if (sessions.of(request) === undefined) return response.writeHead(401).end();
  const room = new URL(request.url, origin).searchParams.get('room');
  const { rows } = await pool.query(
    `SELECT id, author AS by, text FROM said WHERE room = $1 ORDER BY at DESC LIMIT 100`,
    [room],
  );
  response.writeHead(200, { ...headers, 'Content-Type': 'application/json' });
  response.end(JSON.stringify(rows.toReversed()));
}

/** Keeps a message that its page is going to publish. A second time changes nothing: the first answer was lost. */
async function keep(request, response) {
  const session = sessions.of(request);
  const body = await ownBody(request);
  if (session === undefined || body === undefined) return response.writeHead(401).end();
  const { id, room, text } = JSON.parse(body);
  await pool.query(
    `INSERT INTO said (id, room, author, text) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
    [id, room, session.sub, text],
  );
  response.writeHead(204, headers).end();
}

/** What a page of this site has sent; `undefined`: another one has, or it is too long. */
async function ownBody(request) {
  const from = request.headers.origin;
  if (from !== undefined && from !== origin) return undefined;
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > 10_000) return undefined;
  }
  return text;
}

process.once('SIGTERM', async () => {
  await gateway.stop();
  await pool.end();
  server.close();
  server.closeAllConnections();
});

await pool.query(readFileSync(new URL('table.sql', import.meta.url), 'utf8'));
await gateway.start();
console.log(`Open at ${origin}`);
