import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { buildGate } from '../support/gate.ts';
import type { LoggedEvent, TestGateway } from '../support/gateway.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaksTogether, ownScope } from '../support/leaks.ts';
import { ownServer } from '../support/own-server.ts';
import { freshDatabase } from '../support/postgres.ts';
import { severableDatabase } from '../support/severed.ts';
import { serve } from '../support/served.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { WsClient } from '../support/ws-client.ts';

failOnLeaksTogether();

const claims = { mode: 'rw', channels: ['chat'], exp: inSeconds(3_600) };

/** postgres-websockets goes deaf for good when PostgreSQL is away for longer than 15 s. */
const AWAY_MS = 40_000;

/** PostgreSQL takes a moment to start, and is looked for every five seconds. */
const RETURN_MS = 15_000;

/** A busy machine takes a while for twenty of them. */
const MEGABYTES_MS = 20_000;

describe('A gateway', { concurrency: true }, () => {
  it('outlives forty seconds without PostgreSQL: sockets stay, and what was sent meanwhile arrives', async (t) => {
    const scope = ownScope(t);
    const server = await ownServer(scope);
    const { channel } = server;
    const gateway = await serve(scope, { url: server.url, channel });
    await gateway.ready();
    const [sender, reader] = [
      await gateway.client(claims),
      await gateway.client({ ...claims, mode: 'r' }),
    ];
    const payloads = async (count: number): Promise<readonly unknown[]> => {
      const texts = [];
      while (texts.length < count) texts.push(await reader.message(RETURN_MS));
      return texts.map((text) => JSON.parse(text).payload);
    };
    sender.send('before');
    assert.deepEqual(await payloads(1), ['before']);

    await server.stop();
    await until('an unready gateway', async () => (await gateway.status('/readyz')) === 503);
    const sent = Array.from({ length: 300 }, (_, index) => `meanwhile ${index}`);
    for (const text of sent) sender.send(text);
    await delay(AWAY_MS);
    assert.equal(await gateway.status('/healthz'), 200);
    await reader.ping();

    await server.start();
    assert.deepEqual(await payloads(sent.length), sent);
    await gateway.ready(RETURN_MS);
    sender.send('afterwards');
    assert.deepEqual(await payloads(1), ['afterwards']);
    await Promise.all([sender.close(), reader.close()]);
  });

  it('opens its port although PostgreSQL is absent at the start, and lets clients in once it is there', async (t) => {
    const scope = ownScope(t);
    const server = await ownServer(scope);
    await server.stop();
    const { child, port, ready, status, client } = await serve(scope, server);
    assert.equal(await status('/healthz'), 200);
    assert.equal(await status('/readyz'), 503);
    const refusal = await WsClient.refusal(`ws://127.0.0.1:${port}/${await signToken(claims)}`);
    assert.equal(refusal.status, 503);
    await child.line(/"event":"database_retry"/);
    assert.ok(!child.stdout.includes('"ready"'));

    await server.start();
    await ready(RETURN_MS);
    const visitor = await client(claims);
    visitor.send('hello');
    assert.match(await visitor.message(), /"payload":"hello"/);
    await visitor.close();
  });

  it('tells the sender of a message whose outcome is unknown, and nobody else, by 4012', async (t) => {
    const scope = ownScope(t);
    const database = await freshDatabase(scope);
    const gate = await buildGate(scope, database);
    const { channel } = database;
    const environment = { POSTERN_DATABASE_CHANNEL: channel };
    const gateway = await startGateway(scope, { databaseUrl: gate.url, environment });
    const [sender, other] = [await gateway.client(claims), await gateway.client(claims)];

    await gate.shut();
    sender.send('perhaps');
    const pid = await gate.waiting();
    other.send('later');
    await database.query('SELECT pg_terminate_backend($1)', [pid]);
    assert.deepEqual(await sender.closed(), { code: 4012, reason: 'Backend unavailable' });
    await gate.open();
    assert.match(await other.message(), /"payload":"later"/);
    await other.close();
  });

  it('sends what waited for PostgreSQL only when it hears PostgreSQL again itself', async (t) => {
    const scope = ownScope(t);
    const database = await severableDatabase(scope);
    // Whether a message gets ahead of the listener is a matter of chance, for each of them anew.
    const gateways: TestGateway[] = [];
    for (let n = 0; n < 8; n += 1)
      gateways.push(
        await startGateway(scope, {
          databaseUrl: database.url,
          environment: { POSTERN_DATABASE_CHANNEL: `channel ${n}`, POSTERN_POOL_SIZE: '2' },
        }),
      );
    const clients = await Promise.all(gateways.map((gateway) => gateway.client(claims)));

    await database.sever();
    for (const [index, gateway] of gateways.entries()) {
      await gateway.logged('listener_lost');
      clients[index]?.send(`meanwhile ${index}`);
    }
    for (const { events } of gateways)
      await until('a few attempts', () => attempts(events) >= 3, RETURN_MS);
    await database.restore();
    for (const [index, client] of clients.entries()) {
      const text = await client.message(RETURN_MS);
      assert.equal(JSON.parse(text).payload, `meanwhile ${index}`);
      await client.close();
    }
  });

  it('tells whoever sends more than can wait for PostgreSQL by 4012', async (t) => {
    const scope = ownScope(t);
    const database = await severableDatabase(scope);
    const { url, channel } = database;
    const environment = { POSTERN_DATABASE_CHANNEL: channel };
    const gateway = await startGateway(scope, { databaseUrl: url, environment });
    const [sender, other] = [await gateway.client(claims), await gateway.client(claims)];
    await database.sever();
    await gateway.logged('listener_lost');

    const megabyte = Array.from({ length: 140 }, () => 'x'.repeat(7_500));
    for (let n = 0; n < 20; n += 1) for (const text of megabyte) sender.send(text);
    const end = await sender.closed(MEGABYTES_MS);
    assert.deepEqual(end, { code: 4012, reason: 'Backend unavailable' });
    // The others share what room is left.
    for (let n = 0; n < 100; n += 1) other.send('x'.repeat(7_500));
    await other.ping();
    assert.equal((await fetch(`${gateway.httpUrl}/healthz`)).status, 200);
    await other.close();
    await database.restore();
  });
});

function attempts(events: readonly LoggedEvent[]): number {
  return events.filter(({ event }) => event === 'database_retry').length;
}
