import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, it } from 'node:test';

import { createGateway, GatewayError, loadConfig } from 'postern';
import type { EventName, Gateway, GatewayOptions } from 'postern';
import { WebSocketServer } from 'ws';

import { heard } from '../support/evidence.ts';
import { handshake, request } from '../support/exchange.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import { listeningServer } from '../support/program-server.ts';
import { SECRET, signToken } from '../support/tokens.ts';
import { WsClient } from '../support/ws-client.ts';

const CHAT = { mode: 'rw', channel: 'chat', exp: 2e9 } as const;

/** Options as a program gives them, for a database of its own. */
async function given(options: GatewayOptions = {}): Promise<GatewayOptions> {
  const { url, channel } = await freshDatabase(scope);
  return {
    databaseUrl: url,
    databaseChannel: channel,
    jwtSecret: SECRET,
    urlTokens: true,
    poolSize: 1,
    drainSeconds: 0,
    log: heard(),
    ...options,
  };
}

async function startedGateway(options?: GatewayOptions): Promise<Gateway> {
  const gateway = createGateway(await given(options));
  scope.after(() => gateway.stop());
  await gateway.start();
  return gateway;
}

/** Asks each gateway; what none of them owns is answered by the program itself. */
function asking(...gateways: readonly Gateway[]) {
  return (message: IncomingMessage, response: ServerResponse): void => {
    if (gateways.some((gateway) => gateway.handler(message, response))) return;
    response.end('from the program');
  };
}

const connect = async (port: number, base: string): Promise<WsClient> => {
  const client = await WsClient.connect(`ws://127.0.0.1:${port}${base}/${await signToken(CHAT)}`);
  scope.after(() => Promise.resolve(client.terminate()));
  return client;
};

const scope = failOnLeaks();

describe('replaceKeys', () => {
  const OTHER_SECRET = 'another one of at least thirty-two bytes';

  it('has other keys in force at once, and sessions of before go on', async () => {
    const gateway = await startedGateway();
    const { server, port } = await listeningServer(scope, asking(gateway));
    gateway.attach(server);
    const client = await connect(port, '/postern');
    const target = `/postern/${await signToken(CHAT, { key: OTHER_SECRET })}`;
    assert.equal((await handshake(port, { target })).status, 400);

    assert.equal(gateway.replaceKeys({ jwtSecret: OTHER_SECRET }), true);
    assert.equal(gateway.replaceKeys({ jwtSecret: OTHER_SECRET }), false);
    assert.equal((await handshake(port, { target })).status, 101);
    await assert.rejects(connect(port, '/postern'), /400/);
    client.send('still here');
    assert.match(await client.message(), /"payload":"still here"/);
  });

  it('throws for what cannot be used, and the keys at hand stay', async () => {
    const gateway = await startedGateway();
    const { server, port } = await listeningServer(scope, asking(gateway));
    gateway.attach(server);
    for (const [jwtSecret, code] of [
      ['too short', 'POSTERN_KEYS'],
      [undefined, 'POSTERN_KEYS'],
    ] as const)
      assert.throws(() => gateway.replaceKeys({ jwtSecret }), { code });
    await connect(port, '/postern');
  });
});

describe('A gateway in a program', () => {
  it('takes what lies below its base path, and leaves all else alone', async () => {
    const events: EventName[] = [];
    const gateway = await startedGateway({
      log: heard((event) => void events.push(event)),
      handleRequest: (message, response) => {
        if (!message.url?.endsWith('/hello')) return false;
        response.end('from a route below');
        return true;
      },
    });
    const { server, port } = await listeningServer(scope, asking(gateway));
    gateway.attach(server);

    const client = await connect(port, '/postern');
    client.send('hello');
    assert.match(await client.message(), /"payload":"hello"/);
    await client.close();
    const first = events.slice(0, 4);
    assert.deepEqual(first, ['schema_migrated', 'presence_kept', 'ready', 'session_started']);

    const body = async (target: string) => (await request(port, { target })).body;
    assert.equal(await body('/postern/healthz'), 'ok\n');
    assert.equal(await body('/postern/hello'), 'from a route below');
    assert.equal(await body('/postern'), 'Not found\n');
    for (const target of ['/', '/healthz', '/posterns', '/x/postern/healthz', '/%70ostern/healthz'])
      assert.equal(await body(target), 'from the program', target);
  });

  it('has requests that nobody’s listener owns answered as if it were not there', async () => {
    const gateway = await startedGateway();
    const { server, port } = await listeningServer(scope, asking(gateway));
    gateway.attach(server);
    const answers = await Promise.all([
      handshake(port, { target: '/elsewhere' }),
      handshake(port, { target: '/', headers: { Upgrade: 'h2c' } }),
    ]);
    for (const { status, body } of answers)
      assert.deepEqual([status, body], [200, 'from the program']);
    const withBody = await handshake(port, { target: '/', headers: { 'Content-Length': '5' } });
    assert.equal(withBody.status, 400);
  });

  it('shares a server with another WebSocket library, whichever came first', async () => {
    const gateway = await startedGateway({ basePath: '/realtime' });
    for (const first of ['gateway', 'other'] as const) {
      const { server, port } = await listeningServer(scope, asking(gateway));
      const other = new WebSocketServer({ noServer: true });
      const addOther = () =>
        server.on('upgrade', (message, stream, head) => {
          if (message.url !== '/other') return;
          other.handleUpgrade(message, stream, head, (socket) => socket.send('from the other'));
        });
      if (first === 'other') addOther();
      gateway.attach(server);
      if (first === 'gateway') addOther();

      const foreign = await WsClient.connect(`ws://127.0.0.1:${port}/other`);
      assert.equal(await foreign.message(), 'from the other');
      const own = await connect(port, '/realtime');
      own.send('x');
      assert.match(await own.message(), /"payload":"x"/);
      await Promise.all([foreign.close(), own.close()]);
    }
  });

  it('is one of two on a server, each with its own base path and database', async () => {
    const one = await startedGateway({ basePath: '/one' });
    const two = await startedGateway({ basePath: '/two' });
    const { server, port } = await listeningServer(scope, asking(one, two));
    one.attach(server);
    two.attach(server);

    const [first, second] = await Promise.all([connect(port, '/one'), connect(port, '/two')]);
    first.send('1');
    assert.match(await first.message(), /"payload":"1"/);
    second.send('2');
    assert.match(await second.message(), /"payload":"2"/);
    assert.deepEqual([first.messages.length, second.messages.length], [1, 1]);
    assert.equal((await handshake(port, { target: '/three' })).body, 'from the program');

    await one.stop();
    assert.equal((await first.closed()).code, 1001);
    second.send('still here');
    assert.match(await second.message(), /"payload":"still here"/);
  });

  it('is on several servers at once, until it is detached', async () => {
    const gateway = await startedGateway();
    const servers = await Promise.all([1, 2].map(() => listeningServer(scope, asking(gateway))));
    const detached = servers.map(({ server }) => gateway.attach(server));
    const clients = await Promise.all(servers.map(({ port }) => connect(port, '/postern')));
    clients[0]?.send('to all');
    for (const client of clients) assert.match(await client.message(), /"payload":"to all"/);

    for (const detach of [...detached, ...detached]) detach();
    for (const { server } of servers)
      assert.deepEqual([server.listenerCount('upgrade'), server.listenerCount('request')], [0, 1]);
    clients[1]?.send('who came in stays');
    for (const client of clients) assert.match(await client.message(), /stays/);
  });
});

describe('The life of a gateway in a program', () => {
  it('ends with its sessions gone and the program’s server running', async () => {
    const gateway = await startedGateway();
    const { server, port } = await listeningServer(scope, asking(gateway));
    gateway.attach(server);
    const client = await connect(port, '/postern');
    await Promise.all([gateway.stop(), gateway.stop()]);

    assert.deepEqual(await client.closed(), { code: 1001, reason: 'Going away' });
    assert.equal(server.listenerCount('upgrade'), 0);
    assert.equal((await request(port, { target: '/' })).body, 'from the program');
    assert.equal((await request(port, { target: '/postern/readyz' })).status, 503);
    await assert.rejects(gateway.start(), { code: 'POSTERN_STOPPED' });
  });

  it('may end before it began', async () => {
    const gateway = createGateway(await given());
    await gateway.stop();
    await assert.rejects(gateway.start(), { code: 'POSTERN_STOPPED' });
  });

  it('begins once, however often it is told to', async () => {
    const events: EventName[] = [];
    const gateway = createGateway(await given({ log: heard((event) => void events.push(event)) }));
    scope.after(() => gateway.stop());
    await Promise.all([gateway.start(), gateway.start()]);
    await gateway.start();
    assert.deepEqual(events, ['schema_migrated', 'presence_kept', 'ready']);
  });

  it('refuses clients until it has begun', async () => {
    const gateway = createGateway(await given());
    scope.after(() => gateway.stop());
    const { server, port } = await listeningServer(scope, asking(gateway));
    gateway.attach(server);
    const target = `/postern/${await signToken(CHAT)}`;
    assert.equal((await handshake(port, { target })).status, 503);
    assert.equal((await request(port, { target: '/postern/readyz' })).status, 503);
  });
});

describe('The options of a program', () => {
  const isConfigError = (pattern: RegExp) => (error: unknown) =>
    error instanceof GatewayError && error.code === 'POSTERN_CONFIG' && pattern.test(error.message);

  it('may be those that loadConfig has read', async () => {
    const { databaseUrl, databaseChannel } = await given();
    const { options } = loadConfig({
      environment: {
        POSTERN_DATABASE_URL: String(databaseUrl),
        POSTERN_DATABASE_CHANNEL: databaseChannel,
        POSTERN_JWT_SECRET: SECRET,
      },
    });
    const gateway = createGateway({ ...options, log: heard() });
    scope.after(() => gateway.stop());
    await gateway.start();
  });

  it('are checked by the option table, and named without their values', () => {
    const wrong = { databaseUrl: '', jwtSecret: 'in-the-clear', poolSize: 0, requireExp: false };
    assert.throws(
      () => createGateway(wrong),
      isConfigError(/\n {2}databaseUrl: expected .*\n {2}poolSize: expected 1 to 1000$/),
    );
    assert.throws(
      () => createGateway(Object.assign({ jwtSecrett: 'in-the-clear' }, wrong)),
      (error) => isConfigError(/jwtSecrett: no such option/)(error) && !/clear/.test(String(error)),
    );
    assert.throws(
      () => createGateway({ jwtSecret: SECRET }),
      isConfigError(/POSTERN_DATABASE_URL/),
    );
    assert.throws(() => loadConfig({ flags: { port: 'x' } }), isConfigError(/--port: expected/));
  });
});
