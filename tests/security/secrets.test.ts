import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, describe, it } from 'node:test';
import { exchange, handshake, request } from '../support/exchange.ts';
import { startPostern } from '../support/child.ts';
import { opcodes } from '../support/frames.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { preauth, PREAUTH_ENVIRONMENT } from '../support/preauth.ts';
import { enter } from '../support/rogue.ts';
import { severableDatabase } from '../support/severed.ts';
import type { Served } from '../support/served.ts';
import { environmentFor, serve } from '../support/served.ts';
import { forgeToken, inSeconds, SECRET, signToken } from '../support/tokens.ts';

const scope = failOnLeaks();
const database = await severableDatabase({ after });

/** One thing of each kind that must never be written down, recognisable wherever it turns up. */
const secret = {
  payload: `payload-${randomUUID()}`,
  path: `path-${randomUUID()}`,
  query: `query-${randomUUID()}`,
  bearer: `bearer-${randomUUID()}`,
  cookie: `cookie-${randomUUID()}`,
  subprotocol: `postern.bearer.${randomUUID()}`,
  claim: `claim-${randomUUID()}`,
  admin: `admin-${randomUUID()}`,
} as const;

/** No secret: whose verified token it was is said, in a field of its own. */
const user = `user-${randomUUID()}`;

const claims = {
  mode: 'rw',
  channels: ['chat'],
  sub: user,
  jti: secret.claim,
  exp: inSeconds(3_600),
};

const tokens = {
  good: await signToken(claims),
  short: await signToken({ ...claims, exp: inSeconds(3) }),
  expired: await signToken({ ...claims, exp: 1 }),
  foreign: await signToken(
    { ...claims, sub: secret.claim },
    { key: 'another-secret-of-thirty-two-bytes' },
  ),
  absurd: forgeToken({
    payload: `{"mode":"r","channels":["chat"],"exp":1e400,"x":"${secret.path}"}`,
  }),
} as const;

const password = decodeURIComponent(new URL(database.url).password);

/** Everything that must not be found in a log, whole and in its parts. */
const unspeakable: readonly string[] = [
  SECRET,
  Buffer.from(SECRET).toString('base64'),
  password,
  database.url,
  ...Object.values(secret),
  ...Object.values(tokens).flatMap((token) => [token, ...token.split('.').slice(1)]),
];

const credentials = {
  Authorization: `Bearer ${secret.bearer}`,
  Cookie: `session=${secret.cookie}`,
  'Sec-WebSocket-Protocol': `postern.v1, ${secret.subprotocol}`,
};

/** Sends a credential in every place where one could be, to whoever answers. */
async function knock({ port }: Served): Promise<void> {
  const lines = Object.entries(credentials).map(([name, value]) => `${name}: ${value}`);
  for (const token of Object.values(tokens)) {
    const target = `/${secret.path}/${token}?token=${secret.query}`;
    await handshake(port, { target, lines });
    await handshake(port, { target: `/${token}%zz`, lines });
    await handshake(port, { target, lines, method: 'POST' });
    await handshake(port, { target, lines, headers: { 'Sec-WebSocket-Version': '8' } });
    await request(port, { target, lines });
    await request(port, { target, lines, method: 'DELETE' });
    for (const headers of [credentials, { ...credentials, Authorization: `Bearer ${token}` }])
      await preauth(port, { target: `/preauth?token=${secret.query}`, headers });
  }
  await exchange(port, `GET /${tokens.good} HTTP/1.1\r\n${secret.cookie}\r\n\r\n`);
}

/** Asks the admin port, in ways right and wrong, and returns all that it said to the right one. */
async function askAdmin(port: number): Promise<string> {
  for (const bearer of [secret.bearer, `${secret.admin}x`, tokens.good]) {
    const lines = [`Authorization: Bearer ${bearer}`, `Cookie: session=${secret.cookie}`];
    const target = `/metrics?token=${secret.query}`;
    assert.equal((await request(port, { target, lines })).status, 401);
    assert.equal((await handshake(port, { target, lines })).status, 404);
  }
  const lines = [`Authorization: Bearer ${secret.admin}`];
  const { status, body } = await request(port, { target: '/metrics', lines });
  assert.equal(status, 200);
  return body;
}

/** Sends its payload in every way in which a message can go wrong. */
async function misbehave({ port }: Served): Promise<void> {
  const payload = secret.payload;
  const broken = [
    { opcode: opcodes.text, payload, masked: false },
    { opcode: opcodes.text, payload, rsv: 7 },
    { opcode: opcodes.text, payload: Buffer.concat([Buffer.from(payload), Buffer.from([0xff])]) },
    { opcode: opcodes.text, payload: payload.repeat(300) },
    { opcode: opcodes.text, payload: payload.repeat(3_000) },
    { opcode: opcodes.ping, payload: payload.repeat(4) },
  ];
  for (const frame of broken) {
    const rogue = await enter(scope, port, claims);
    rogue.sendFrame(frame);
    await rogue.frame();
    rogue.destroy();
  }
}

function assertSilent(text: string): void {
  const said = unspeakable.filter((item) => text.includes(item));
  assert.deepEqual(said, []);
}

describe('The log', () => {
  it('holds no secret at its most talkative, over a busy run', async () => {
    const environment = {
      ...PREAUTH_ENVIRONMENT,
      POSTERN_LOG_LEVEL: 'trace',
      POSTERN_META_CHANNEL: 'meta',
      POSTERN_ADMIN_PORT: '0',
      POSTERN_ADMIN_TOKEN: secret.admin,
    };
    const gateway = await serve(scope, { ...database, environment });
    await gateway.ready();
    const { child } = gateway;
    const client = await gateway.client(claims);
    client.send(secret.payload);
    assert.ok((await client.message()).includes(secret.payload));
    const rogue = await enter(scope, gateway.port, { ...claims, exp: inSeconds(3) });

    await knock(gateway);
    // What is too long for NOTIFY is refused then, and said to be.
    await database.query('DROP TABLE postern.payload');
    await misbehave(gateway);
    await database.cut();
    await child.line(/"event":"listener_restored"/);
    await database.query('SELECT pg_notify($1, $2)', [database.channel, secret.payload]);
    await rogue.ended(8_000);
    const line = await child.line(/"event":"admin_listening"/);
    const metrics = await askAdmin(Number(/"port":(\d+)/.exec(line)?.[1]));
    client.terminate();
    child.signal('SIGTERM');
    assert.deepEqual(await child.exited(), { code: 0, signal: undefined });

    const events = ['session_started', 'session_ended', 'handshake_refused', 'socket_error'];
    const faults = [
      'admin_refused',
      'message_too_big',
      'listener_lost',
      'connection_lost',
      'stopped',
    ];
    const missing = [...events, ...faults].filter((name) => !child.stdout.includes(`"${name}"`));
    assert.deepEqual(missing, []);
    assertSilent(child.stdout + child.stderr + metrics);
    assert.ok(metrics.includes('postern_handshakes_refused_total{failure="tokenExpired"} '));
    assert.ok(!metrics.includes(user), 'who is in is no label');
    const { length } = child.stdout.split(user);
    assert.equal(length, child.stdout.split(`"user":"${user}"`).length);
    assert.ok(length > 2);
  });

  const refused: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    'a database that does not exist': { POSTERN_DATABASE_URL: `${database.url}_not` },
    'a URL that is none': { POSTERN_DATABASE_URL: `postgres//:${password}@` },
    'a parameter that is not supported': {
      POSTERN_DATABASE_URL: `${database.url}?sslcompression=${password}`,
    },
    'a secret that is too short': { POSTERN_JWT_SECRET: SECRET.slice(0, 31) },
    'a key that cannot be read': { POSTERN_JWT_SECRET: `-----BEGIN PUBLIC KEY-----${SECRET}` },
    'a number that is none': { POSTERN_PORT: SECRET },
  };
  for (const [name, environment] of Object.entries(refused)) {
    it(`holds no secret when the start fails for ${name}`, async () => {
      const env = environmentFor({ ...database, environment });
      const child = startPostern(scope, ['serve'], { env });
      const { code } = await child.exited();
      assert.ok(code === 1 || code === 2);
      assert.match(child.stderr, /^postern: .*(DATABASE_URL|JWT_SECRET|PORT)/s);
      assertSilent(child.stdout + child.stderr);
      assert.ok(!child.stderr.includes(SECRET.slice(0, 31)));
    });
  }

  it('holds no secret when the configuration is printed', async () => {
    const env = environmentFor({
      ...database,
      environment: { POSTERN_JWKS: `{"keys":["${SECRET}"]}` },
    });
    const child = startPostern(scope, ['serve', '--print-config'], { env });
    assert.equal((await child.exited()).code, 0);
    assert.ok(child.stdout.includes(database.channel));
    assertSilent(child.stdout + child.stderr);
  });
});
