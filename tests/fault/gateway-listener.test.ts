import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { TestGateway } from '../support/gateway.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { ownServer } from '../support/own-server.ts';
import { severableDatabase } from '../support/severed.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { WsClient } from '../support/ws-client.ts';

const scope = failOnLeaks();
const database = await severableDatabase({ after });

const claims = { mode: 'rw', channels: ['chat'], exp: inSeconds(3_600) };

async function readiness({ httpUrl }: TestGateway): Promise<number> {
  return (await fetch(`${httpUrl}/readyz`, { headers: { connection: 'close' } })).status;
}

function start(environment: Readonly<Record<string, string>> = {}): Promise<TestGateway> {
  return startGateway(scope, {
    databaseUrl: database.url,
    environment: { POSTERN_DATABASE_CHANNEL: database.channel, ...environment },
  });
}

/** What SQL notifies and what a client sends comes to the clients. */
async function assertCarries(client: WsClient): Promise<void> {
  await database.query('SELECT pg_notify($1, $2)', [database.channel, '{"channel":"chat"}']);
  assert.equal(await client.message(), '{"channel":"chat"}');
  client.send('by a client');
  assert.match(await client.message(), /"payload":"by a client"/);
}

function count({ events }: TestGateway, name: string): number {
  return events.filter(({ event }) => event === name).length;
}

describe('A gateway whose LISTEN backend', () => {
  it('is killed says so, lets nobody in, keeps its sockets and carries messages once it is healed', async () => {
    const gateway = await start();
    const client = await gateway.client(claims);
    await assertCarries(client);

    await database.sever();
    await until('an unready gateway', async () => (await readiness(gateway)) === 503);
    await gateway.logged('listener_lost');
    const { status } = await WsClient.refusal(`${gateway.wsUrl}/${await signToken(claims)}`);
    assert.equal(status, 503);
    assert.equal((await fetch(`${gateway.httpUrl}/healthz`)).status, 200);
    await client.ping();

    await database.restore();
    await until('a ready gateway', async () => (await readiness(gateway)) === 200, 10_000);
    await assertCarries(client);
    assert.equal(count(gateway, 'session_ended'), 0);
    assert.equal(count(gateway, 'listener_restored'), 1);
    await client.close();
  });

  it('is killed sends its raw clients to reload with 1012, when that is how it is set', async () => {
    const gateway = await start({ POSTERN_RAW_GAP: 'close' });
    for (let round = 1; round <= 2; round += 1) {
      const clients = [
        await gateway.client(claims),
        await gateway.client({ ...claims, mode: 'w' }),
      ];
      await clients[0]?.ping();
      await database.cut();
      for (const client of clients)
        assert.deepEqual(await client.closed(), { code: 1012, reason: 'Service restart' });
      assert.equal(count(gateway, 'listener_restored'), round);
    }
    const client = await gateway.client(claims);
    await assertCarries(client);
    await client.close();
  });

  it('is stopped notices it within the check and five seconds, and is healed', async () => {
    const server = await ownServer(scope);
    const checkSeconds = 1;
    const gateway = await startGateway(scope, {
      databaseUrl: server.url,
      environment: {
        POSTERN_DATABASE_CHANNEL: server.channel,
        POSTERN_LISTENER_CHECK_SECONDS: String(checkSeconds),
      },
    });
    const client = await gateway.client(claims);
    const pid = await server.listenBackendPid(server.channel);

    server.pause(pid);
    const stoppedMs = performance.now();
    await gateway.logged('listener_lost', 10_000);
    const noticedMs = performance.now() - stoppedMs;
    assert.ok(noticedMs <= (checkSeconds + 5) * 1_000, `noticed after ${noticedMs} ms`);
    await until('a ready gateway', async () => (await readiness(gateway)) === 200, 10_000);

    client.send('after it');
    assert.match(await client.message(), /"payload":"after it"/);
    assert.equal(count(gateway, 'session_ended'), 0);
    await client.close();
  });
});
