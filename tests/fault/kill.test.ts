import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { failOnLeaks } from '../support/leaks.ts';
import { listen } from '../support/listen.ts';
import { ownServer } from '../support/own-server.ts';
import type { OwnServer } from '../support/own-server.ts';
import { freshDatabase } from '../support/postgres.ts';
import { serve } from '../support/served.ts';
import type { Served } from '../support/served.ts';
import { inSeconds } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import type { WsClient } from '../support/ws-client.ts';

const scope = failOnLeaks();

const claims = { mode: 'rw', channels: ['chat'], exp: inSeconds(3_600) };
/** How many messages each sender sends at a time, and how often. */
const SENDERS = [
  [6, 20],
  [6, 20],
  [1, 20],
  [1, 1_000],
  [1, 1_000],
] as const;
const RETURN_MS = 20_000;

/** Somebody who sends numbered messages at a rate, until told to stop or sent away. */
class Sender {
  readonly client: WsClient;
  readonly name: string;
  sent = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(client: WsClient, name: string, [atATime, paceMs]: (typeof SENDERS)[number]) {
    this.client = client;
    this.name = name;
    const send = (): void => {
      for (let n = 0; n < atATime; n += 1) client.send(`${name} ${this.sent++}`);
    };
    this.#timer = setInterval(send, paceMs);
    scope.after(() => Promise.resolve(this.stop()));
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

async function enterAll({ client }: Served): Promise<readonly Sender[]> {
  return Promise.all(
    SENDERS.map(async (habit, index) => new Sender(await client(claims), `s${index}`, habit)),
  );
}

function payloads(texts: readonly string[]): readonly string[] {
  return texts.map((text) => String(JSON.parse(text).payload));
}

/** The numbers of one sender's messages, in the order in which they came. */
function numbersOf(texts: readonly string[], { name }: Sender): readonly number[] {
  return texts
    .filter((text) => text.startsWith(`${name} `))
    .map((text) => Number(text.slice(name.length + 1)));
}

function assertOnceAndInOrder(numbers: readonly number[]): void {
  assert.deepEqual(
    numbers,
    [...new Set(numbers)].toSorted((one, next) => one - next),
  );
}

/**
 * Makes every NOTIFY leave a row that is there if, and only if, it was committed; and each of them so
 * slow that some are always under way.
 */
async function keepBooks(server: OwnServer): Promise<string> {
  await server.query(`
    CREATE SCHEMA books;
    CREATE TABLE books.committed (id bigserial, payload text);
    CREATE FUNCTION books.pg_notify(channel text, payload text) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
      IF channel <> 'postern.private' THEN
        PERFORM pg_catalog.pg_sleep(0.001);
        INSERT INTO books.committed (payload) VALUES (payload::json->>'payload');
      END IF;
      PERFORM pg_catalog.pg_notify(channel, payload);
    END $$`);
  const url = new URL(server.url);
  url.searchParams.set('options', '-c search_path=books,pg_catalog');
  return url.href;
}

describe('A PostgreSQL that is killed while clients publish', () => {
  it('costs those whose message was under way, told by 4012, and doubles nothing', async (t) => {
    const server = await ownServer(scope, { settings: { synchronous_commit: 'on' } });
    const url = await keepBooks(server);
    const gateway = await serve(scope, { url, channel: server.channel });
    await gateway.ready();
    const reader = await gateway.client({ ...claims, mode: 'r' });
    const senders = await enterAll(gateway);
    await until('messages', () => reader.messages.length > 200);

    // The postmaster alone is not enough: its backends finish what they are at, and answer.
    const backends = await server.query(
      `SELECT pid FROM pg_stat_activity WHERE application_name = 'postern'`,
    );
    // Or it would end the others as soon as it sees the first of them gone.
    server.pause(server.pid());
    for (const { pid } of backends) process.kill(Number(pid), 'SIGKILL');
    await server.kill9();
    await until('an unready gateway', async () => (await gateway.status('/readyz')) === 503);
    await reader.ping();
    await server.start();
    await gateway.ready(RETURN_MS);
    const fresh = await gateway.client(claims);
    fresh.send('afterwards');
    await until(
      'what is sent afterwards',
      () => payloads(reader.messages).includes('afterwards'),
      RETURN_MS,
    );
    await fresh.close();
    for (const sender of senders) sender.stop();
    const told = await toldOf(senders);
    const staying = senders.filter((sender) => !told.has(sender));
    await until(
      'the last of each who stayed',
      () =>
        staying.every((sender) =>
          payloads(reader.messages).includes(`${sender.name} ${sender.sent - 1}`),
        ),
      RETURN_MS,
    );

    const rows = await server.query('SELECT payload FROM books.committed ORDER BY id');
    const committed = rows.map(({ payload }) => String(payload));
    const received = payloads(reader.messages);
    for (const sender of senders) {
      assertOnceAndInOrder(numbersOf(committed, sender));
      assertOnceAndInOrder(numbersOf(received, sender));
    }
    // What is not told unknown is committed, each of it: the feed alone may have missed some.
    for (const sender of staying) assert.equal(numbersOf(committed, sender).length, sender.sent);
    const books = new Set(committed);
    assert.ok(received.every((text) => books.has(text)));
    const sent = senders.reduce((sum, sender) => sum + sender.sent, 0);
    t.diagnostic(
      `${sent} sent, ${committed.length} committed, ${received.length} received, none twice; ` +
        `${told.size} of ${senders.length} senders told 4012`,
    );
    await Promise.all([reader, ...staying.map(({ client }) => client)].map((it) => it.close()));
  });
});

/** Who was closed, each of them with 4012. */
async function toldOf(senders: readonly Sender[]): Promise<ReadonlySet<Sender>> {
  const told = new Set<Sender>();
  for (const sender of senders) {
    const isThere = await sender.client.ping(3_000).then(
      () => true,
      () => false,
    );
    if (isThere) continue;
    assert.equal((await sender.client.closed()).code, 4012);
    told.add(sender);
  }
  return told;
}

describe('A gateway that is killed while clients publish', () => {
  it('drops them with 1006, leaves no backend, and what each had sent is there once, without a hole', async (t) => {
    const database = await freshDatabase(scope);
    const witness = await listen(scope, database);
    const backends = async (): Promise<number> => {
      const sql = `SELECT FROM pg_stat_activity WHERE datname = $1 AND application_name = 'postern'`;
      return (await database.query(sql, [database.name])).length;
    };
    const first = await serve(scope, database);
    await first.ready();
    const senders = await enterAll(first);
    await until('messages', () => witness.texts.length > 300);

    first.child.signal('SIGKILL');
    for (const sender of senders) {
      assert.equal((await sender.client.closed()).code, 1006);
      sender.stop();
    }
    const startMs = performance.now();
    await until('the end of its backends', async () => (await backends()) === 0);
    const orphanedMs = performance.now() - startMs;

    const environment = { POSTERN_PORT: String(first.port) };
    const second = await serve(scope, { ...database, environment });
    await second.ready();
    assert.equal(second.port, first.port);
    const client = await second.client(claims);
    client.send('by the next one');
    await client.message();
    await until('it', () => payloads(witness.texts).includes('by the next one'));
    assert.deepEqual(payloads(client.messages), ['by the next one']);

    const committed = payloads(witness.texts);
    for (const sender of senders) {
      const numbers = numbersOf(committed, sender);
      assert.deepEqual(
        numbers,
        numbers.map((_, index) => index),
      );
    }
    const sent = senders.reduce((sum, sender) => sum + sender.sent, 0);
    t.diagnostic(
      `${sent} sent, ${committed.length - 1} committed; its backends were gone after ${orphanedMs.toFixed(0)} ms`,
    );
    await client.close();
  });
});
