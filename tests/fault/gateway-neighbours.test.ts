import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { Clock } from '#gateway/session/deadline.js';
import type { TestGateway } from '../support/gateway.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import { serve } from '../support/served.ts';
import { inSeconds } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import type { WsClient } from '../support/ws-client.ts';

const scope = failOnLeaks();
const database = await freshDatabase({ after });

const claims = { mode: 'rw', channels: ['chat'], exp: inSeconds(3_600) };

function start(clock?: Clock): Promise<TestGateway> {
  return startGateway(scope, {
    databaseUrl: database.url,
    environment: { POSTERN_DATABASE_CHANNEL: database.channel },
    ...(clock === undefined ? {} : { hooks: { clock } }),
  });
}

/** Connections to the database that gateways have. */
async function backends(): Promise<number> {
  const sql = `SELECT FROM pg_stat_activity WHERE datname = $1 AND application_name = 'postern'`;
  return (await database.query(sql, [database.name])).length;
}

async function heard(client: WsClient, count: number): Promise<readonly string[]> {
  await until(`${count} messages`, () => client.messages.length >= count);
  return client.messages;
}

describe('Two gateways on one database', () => {
  it('bring the messages of both to the clients of both, in the same order', async () => {
    const gateways = [await start(), await start()];
    const clients = await Promise.all(gateways.map((gateway) => gateway.client(claims)));
    for (let n = 0; n < 100; n += 1)
      for (const [index, client] of clients.entries()) client.send(`${index}:${n}`);

    const [one, other] = await Promise.all(clients.map((client) => heard(client, 200)));
    assert.deepEqual(one, other);
    for (const sender of [0, 1]) {
      const own = (one ?? [])
        .map((text) => JSON.parse(text))
        .filter(({ payload }) => payload.startsWith(`${sender}:`));
      assert.deepEqual(
        own.map(({ payload }) => payload),
        Array.from({ length: 100 }, (_, n) => `${sender}:${n}`),
      );
      const times = own.map(({ claims: { message_delivered_at: at } }) => Number(at));
      assert.ok(times.every((at, index) => index === 0 || at > Number(times[index - 1])));
    }
    await Promise.all(clients.map((client) => client.close()));
  });

  it('bring both of two messages that are equal to the last byte', async () => {
    const wallMs = Date.now();
    const stopped: Clock = { wallMs: () => wallMs, monotonicMs: () => 0 };
    const gateways = [await start(stopped), await start(stopped)];
    const clients = await Promise.all(gateways.map((gateway) => gateway.client(claims)));
    for (const client of clients) client.send('twin');
    for (const client of clients) {
      const [one, other, ...more] = await heard(client, 2);
      assert.equal(one, other);
      assert.deepEqual(more, []);
    }
    await Promise.all(clients.map((client) => client.close()));
  });
});

describe('A gateway that is killed', () => {
  it('leaves no trouble to the next one on its port and its database', async () => {
    const before = await backends();
    const first = await serve(scope, database);
    await first.ready();
    const abandoned = await first.client(claims);
    abandoned.send('the last words');
    await abandoned.message();
    const used = await backends();
    assert.ok(used > before);
    first.child.signal('SIGKILL');
    assert.deepEqual(await first.child.exited(), { code: undefined, signal: 'SIGKILL' });
    assert.equal((await abandoned.closed()).code, 1006);
    await until('the end of its backends', async () => (await backends()) === before);

    const environment = { POSTERN_PORT: String(first.port) };
    const second = await serve(scope, { ...database, environment });
    await second.ready();
    assert.equal(second.port, first.port);
    const client = await second.client(claims);
    client.send('one');
    client.send('two');
    const payloads = (await heard(client, 2)).map((text) => JSON.parse(text).payload);
    assert.deepEqual(payloads, ['one', 'two']);
    await client.close();
  });
});
