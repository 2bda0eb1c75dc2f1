import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { failOnLeaks } from '../support/leaks.ts';
import { listen } from '../support/listen.ts';
import { heardV1, long, subscribe } from '../support/publishing.ts';
import { enterByBearer } from '../support/refreshing.ts';
import { startGateway } from '../support/gateway.ts';
import { freshDatabase } from '../support/postgres.ts';
import { PREAUTH_ENVIRONMENT } from '../support/preauth.ts';
import { until } from '../support/wait.ts';
import { said } from '../support/way-in.ts';

const scope = failOnLeaks();

const MESSAGES = 400;
const KILLS = 8;
const DEADLINE_MS = 30_000;

/** Kills what just sends for a gateway. */
const KILL = `
  SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()
    AND application_name = 'postern' AND state = 'active' AND query LIKE '%publication_key%'`;

/** A NOTIFY of our own, before PostgreSQL's in the search path, which takes its time. */
const SLOW = `
  CREATE SCHEMA slow;
  CREATE FUNCTION slow.pg_notify(channel text, payload text) RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM pg_catalog.pg_sleep(0.001);
    PERFORM pg_catalog.pg_notify(channel, payload);
  END $$`;

describe('Messages with keys, while backends are killed in the middle', () => {
  it('are doubled by nobody and lost by nobody, in the order of each sender, over two gateways', async () => {
    const database = await freshDatabase(scope);
    const environment = { ...PREAUTH_ENVIRONMENT, POSTERN_DATABASE_CHANNEL: database.channel };
    await database.query(SLOW);
    const url = new URL(database.url);
    url.searchParams.set('options', '-c search_path=slow,pg_catalog');
    const start = () => startGateway(scope, { databaseUrl: url.href, environment });
    const gateways = [await start(), await start()];
    const listener = await listen(scope, database);
    const reader = (await enterByBearer(gateways[1]?.port ?? 0, { sub: 'reader' })).client;
    await subscribe(reader, 'chat');

    const senders = await Promise.all(
      gateways.map(async ({ port }, index) => {
        const sub = `sender-${index}`;
        return { sub, client: (await enterByBearer(port, { sub })).client };
      }),
    );
    const answers = senders.map(async ({ sub, client }) => {
      const told: unknown[] = [];
      for (let n = 0; n < MESSAGES; n += 1) {
        const payload = n % 20 === 0 ? long(`${sub} ${n}`) : `${sub} ${n}`;
        const key = `key ${n}`;
        client.send(JSON.stringify({ type: 'publish', id: n + 1, channel: 'chat', payload, key }));
        // So many are under way at a time.
        if (n >= 20) told.push((await said(client))['type']);
      }
      while (told.length < MESSAGES) told.push((await said(client))['type']);
      return told;
    });
    const kills = (async () => {
      for (let killed = 0; killed < KILLS; killed += 1) {
        await listener.heard(killed * 60, DEADLINE_MS);
        await until('something to kill', async () => (await database.query(KILL)).length > 0);
      }
    })();
    const told = await Promise.all(answers);
    await kills;
    assert.deepEqual(new Set(told.flat()), new Set(['ok']));

    const heard = await heardV1(reader, MESSAGES * senders.length);
    for (const { sub } of senders)
      assert.deepEqual(
        heard.filter((text) => String(text).startsWith(sub)),
        Array.from({ length: MESSAGES }, (_, n) => `${sub} ${n}`),
      );
    const lost = gateways
      .flatMap(({ events }) => events)
      .filter(({ event }) => event === 'connection_lost');
    assert.ok(lost.length > 0, 'nothing was under way when backends were killed');
    await Promise.all([reader, ...senders.map(({ client }) => client)].map((one) => one.close()));
  });
});
