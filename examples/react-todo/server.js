// A to-do list in React: all who look at it see the same.
//
//   npm ci && npm run build
//   DATABASE_URL=postgres://localhost/app PORT=8080 node examples/react-todo/server.js
//
// README.md beside this file says what to try. For this computer only: it speaks plain HTTP.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';
import { SignJWT } from 'jose';
import pg from 'pg';
import { createGateway } from 'postern';

const { DATABASE_URL, PORT = '0' } = process.env;
const secret = randomBytes(32).toString('hex');

const pool = new pg.Pool({ connectionString: DATABASE_URL });
pool.on('error', (error) => console.error(error));

const bundle = await build({
  entryPoints: [fileURLToPath(new URL('page.jsx', import.meta.url))],
  bundle: true,
  format: 'esm',
  jsx: 'automatic',
  minify: true,
  define: { 'process.env.NODE_ENV': '"production"' },
  write: false,
});

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
  response.writeHead(200, { ...headers, 'Content-Type': `${type}; charset=utf-8` }).end(body);

const file = (name, type) => {
  const text = readFileSync(new URL(name, import.meta.url));
  return (request, response) => send(response, type, text);
};

const routes = {
  'GET /': file('page.html', 'text/html'),
  'GET /style.css': file('style.css', 'text/css'),
  'GET /page.js': (request, response) =>
    send(response, 'text/javascript', bundle.outputFiles[0].contents),
  'POST /token': token,
  'GET /todos': todos,
  'POST /add': change('INSERT INTO todo (id, text) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
    'id',
    'text',
  ]),
  'POST /mark': change('UPDATE todo SET done = $2 WHERE id = $1', ['id', 'done']),
  'POST /remove': change('DELETE FROM todo WHERE id = $1', ['id'], `'{"removed": true}'`),
};

/** Anybody may read the list here. A site with users asks who it is, and grants what that one may read. */
async function token(request, response) {
  const claims = new SignJWT({ mode: 'r', channels: ['todos'] })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('5 min');
  send(response, 'text/plain', await claims.sign(Buffer.from(secret)));
}

async function todos(request, response) {
  const { rows } = await pool.query(`SELECT coalesce(jsonb_agg(todo), '[]') AS all FROM todo`);
  send(response, 'application/json', JSON.stringify(rows[0].all));
}

/** Carries a statement out, and publishes in the same one what it has changed: both, or neither. */
function change(sql, names, more = `'{}'`) {
  const statement = `
    WITH changed AS (${sql} RETURNING id, text, done, at)
    SELECT postern.publish('todos', to_jsonb(changed) || ${more}::jsonb) FROM changed`;
  return async (request, response) => {
    if (request.headers.origin !== origin) return response.writeHead(403).end();
    const wish = JSON.parse(await bodyOf(request));
    await pool.query(
      statement,
      names.map((name) => wish[name]),
    );
    response.writeHead(204, headers).end();
  };
}

async function bodyOf(request) {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > 10_000) throw new Error('Too long');
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
