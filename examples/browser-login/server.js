// A site with a login form and a session cookie, whose pages open a socket by that login.
//
//   npm ci && npm run build
//   DATABASE_URL=postgres://localhost/app PORT=8080 node examples/browser-login/server.js
//
// README.md beside this file says what to try. For this computer only: it speaks plain HTTP.
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createGateway } from 'postern';

const { DATABASE_URL, PORT = '0' } = process.env;
const SESSION_SECONDS = 3_600;

/** Stands for the table of users of a real site, which keeps no passwords but their hashes. */
const passwords = new Map([
  ['ada', 'engine'],
  ['grace', 'compiler'],
]);

/** Who is logged in, by the value of the session cookie. */
const sessions = new Map();

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
  // The gateway verifies no tokens of the site here, but will not start without a key.
  jwtSecret: randomBytes(32).toString('hex'),
  authUrl: `http://127.0.0.1:${port}/whoami`,
  allowedOrigins: [origin],
  // Plain HTTP from this very computer may preauthenticate. Never where others can connect.
  development: true,
});
gateway.attach(server);

const headers = {
  'Content-Security-Policy':
    `default-src 'none'; script-src 'self'; connect-src 'self' ws://localhost:${port}; ` +
    `form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  'X-Content-Type-Options': 'nosniff',
  // Internet Explorer sends no Origin to its own site: the gateway goes by Referer then.
  'Referrer-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

const file = (name, type) => {
  const text = readFileSync(new URL(name, import.meta.url));
  return (request, response) =>
    response.writeHead(200, { ...headers, 'Content-Type': type }).end(text);
};

const routes = {
  'GET /': file('page.html', 'text/html; charset=utf-8'),
  'GET /page.js': file('page.js', 'text/javascript; charset=utf-8'),
  'GET /login': file('login.html', 'text/html; charset=utf-8'),
  'POST /login': login,
  'POST /logout': logout,
  'GET /whoami': whoami,
};

async function login(request, response) {
  const form = await ownForm(request);
  const user = form?.get('user') ?? '';
  if (!passwords.has(user) || passwords.get(user) !== form.get('password'))
    return response.writeHead(303, { Location: '/login' }).end();

  const id = randomBytes(32).toString('base64url');
  const exp = Math.floor(Date.now() / 1000) + SESSION_SECONDS;
  sessions.set(id, { sub: user, sid: randomUUID(), exp });
  redirect(response, '/', `${id}; Max-Age=${SESSION_SECONDS}`);
}

async function logout(request, response) {
  if ((await ownForm(request)) !== undefined) sessions.delete(sessionId(request));
  redirect(response, '/login', '; Max-Age=0');
}

/** What the gateway asks with the cookies of a page: who is that, and what may they do? */
function whoami(request, response) {
  const session = sessions.get(sessionId(request));
  if (session === undefined || session.exp <= Date.now() / 1000)
    return response.writeHead(401, headers).end();

  const claims = { ...session, mode: 'r', channels: ['news', `user:${session.sub}`] };
  response.writeHead(200, { ...headers, 'Content-Type': 'application/json' });
  response.end(JSON.stringify(claims));
}

/** The fields of a form of this site; `undefined` for one that a page of another site has sent. */
async function ownForm(request) {
  const from = request.headers.origin;
  if (from !== undefined && from !== origin) return undefined;
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > 1_000) return undefined;
  }
  return new URLSearchParams(text);
}

/** A site on the Internet adds `Secure`, and calls it `__Host-session`. */
function redirect(response, location, cookie) {
  const value = `session=${cookie}; Path=/; HttpOnly; SameSite=Lax`;
  response.writeHead(303, { ...headers, Location: location, 'Set-Cookie': value }).end();
}

function sessionId(request) {
  return /(?:^|; )session=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1];
}

process.once('SIGTERM', async () => {
  await gateway.stop();
  server.close();
  server.closeAllConnections();
});

await gateway.start();
console.log(`Open at ${origin}`);
