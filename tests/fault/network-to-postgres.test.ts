import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

import { buildGate } from '../support/gate.ts';
import type { TestGateway } from '../support/gateway.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaksTogether, ownScope } from '../support/leaks.ts';
import { listen } from '../support/listen.ts';
import { freshDatabase } from '../support/postgres.ts';
import type { Scope, TestDatabase } from '../support/postgres.ts';
import { tcpProxy, urlThrough } from '../support/tcp-proxy.ts';
import type { Flows, TcpProxy } from '../support/tcp-proxy.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { WsClient } from '../support/ws-client.ts';

failOnLeaksTogether();

const claims = { mode: 'rw', channels: ['chat'], exp: inSeconds(3_600) };
const UNKNOWN = { code: 4012, reason: 'Backend unavailable' };

const CHECK_SECONDS = 1;
/** What is promised: the seconds between two checks, and five more; and half a second for a busy machine. */
const NOTICE_MS = (CHECK_SECONDS + 5) * 1_000 + 500;
/** A statement may take so long; then its connection is given up, and its sender told. */
const ANSWER_MS = 10_000;
/** An attempt that is under way takes up to 5 s to fail, and so does the wait for the next. */
const RETURN_MS = 20_000;
const FAULT_MS = 12_000;

/** Connections to PostgreSQL: one listens, two of the pool send messages and nonces. */
const IN_USE = 3;

const HEALTHY: Flows = { up: 'pass', down: 'pass' };

interface World {
  readonly database: TestDatabase;
  readonly proxy: TcpProxy;
  readonly gateway: TestGateway;
  /** Payloads that were committed, by one who listens on a connection that nothing happens to. */
  committed(): readonly string[];
}

/** A gateway that reaches PostgreSQL by a proxy only; `via` changes the URL before. */
async function setUp(scope: Scope, via: (url: string) => string = (url) => url): Promise<World> {
  const database = await freshDatabase(scope);
  const witness = await listen(scope, database);
  const proxy = await tcpProxy(scope, { port: Number(new URL(database.url).port) });
  const gateway = await startGateway(scope, {
    databaseUrl: via(urlThrough(proxy, database.url)),
    environment: {
      POSTERN_DATABASE_CHANNEL: database.channel,
      POSTERN_LISTENER_CHECK_SECONDS: String(CHECK_SECONDS),
    },
  });
  return { database, proxy, gateway, committed: () => witness.texts.map(payloadOf) };
}

function payloadOf(text: string): string {
  return String(JSON.parse(text).payload);
}

async function readiness({ httpUrl }: TestGateway): Promise<number> {
  return (await fetch(`${httpUrl}/readyz`, { headers: { connection: 'close' } })).status;
}

async function readyAgain(gateway: TestGateway): Promise<void> {
  await until('a ready gateway', async () => (await readiness(gateway)) === 200, RETURN_MS);
}

function times(texts: readonly string[], text: string): number {
  return texts.filter((other) => other === text).length;
}

/** The gateway carries messages again, in both directions, for who stayed and for who comes. */
async function assertCarries({ gateway, committed }: World, stayed: WsClient): Promise<void> {
  const fresh = await gateway.client(claims);
  stayed.send('afterwards');
  await until('it, for both', () =>
    [stayed, fresh].every(({ messages }) => times(messages.map(payloadOf), 'afterwards') === 1),
  );
  await until('its commit', () => times(committed(), 'afterwards') === 1);
  await Promise.all([stayed.close(), fresh.close()]);
}

/** Connections to PostgreSQL that gateways have, as PostgreSQL sees it. */
async function backends({ database: { query, name } }: World): Promise<number> {
  const sql = `SELECT FROM pg_stat_activity WHERE datname = $1 AND application_name = 'postern'`;
  return (await query(sql, [name])).length;
}

interface Fault {
  readonly flows: Partial<Flows>;
  /** How often the message is committed that was under way: what has gone out may arrive late. */
  readonly commits: readonly number[];
}

const faults: Readonly<Record<string, Fault>> = {
  'stalls in both directions': { flows: { up: 'stall', down: 'stall' }, commits: [0, 1] },
  'loses everything': { flows: { up: 'swallow', down: 'swallow' }, commits: [0] },
  'loses what goes to PostgreSQL': { flows: { up: 'swallow' }, commits: [0] },
  'loses what comes from PostgreSQL': { flows: { down: 'swallow' }, commits: [1] },
};

async function bear(scope: Scope, { flows, commits }: Fault): Promise<void> {
  const world = await setUp(scope);
  const { gateway, proxy, committed } = world;
  const [sender, other] = [await gateway.client(claims), await gateway.client(claims)];
  sender.send('before');
  await Promise.all([sender.message(), other.message()]);

  proxy.set(flows);
  const startMs = performance.now();
  sender.send('perhaps');
  await sender.ping();
  other.send('later');
  const lost = gateway.logged('listener_lost', NOTICE_MS);
  const told = sender.closed(ANSWER_MS + 3_000);
  await lost;
  assert.equal(await readiness(gateway), 503);
  const { status } = await WsClient.refusal(`${gateway.wsUrl}/${await signToken(claims)}`);
  assert.equal(status, 503);
  await other.ping();
  assert.deepEqual(await told, UNKNOWN);

  await delay(Math.max(0, FAULT_MS - (performance.now() - startMs)));
  await other.ping();
  proxy.set(HEALTHY);
  await readyAgain(gateway);
  await until('what waited', () => times(committed(), 'later') === 1);
  await assertCarries(world, other);
  assert.ok(commits.includes(times(committed(), 'perhaps')), committed().join());
  assert.equal(times(committed(), 'later'), 1);
  assert.equal(times(other.messages.map(payloadOf), 'later'), 1);
  // The old ones learn only now that nobody is there any more.
  await until('the end of the old backends', async () => (await backends(world)) <= IN_USE, 10_000);
}

describe('A network between gateway and PostgreSQL', { concurrency: true }, () => {
  it('that fails for twelve seconds, however it does, costs its sender one message, told by 4012', async (t) => {
    const scope = ownScope(t);
    const outcomes = await Promise.allSettled(
      Object.values(faults).map((fault) => bear(scope, fault)),
    );
    const failed = outcomes.flatMap((outcome, index) =>
      outcome.status === 'fulfilled'
        ? []
        : [new Error(Object.keys(faults)[index], { cause: outcome.reason })],
    );
    if (failed.length > 0) throw new AggregateError(failed, 'Not borne');
  });

  it('that is cut in the middle of a batch tells its senders, doubles nothing, and sends the rest', async (t) => {
    const scope = ownScope(t);
    const gateway = await setUpGate(scope);
    const { gate, world, other } = gateway;
    const senders = await Promise.all([1, 2, 3].map(() => world.gateway.client(claims)));
    await gate.shut();
    senders[0]?.send('first');
    await gate.waiting();
    for (const [index, sender] of senders.slice(1).entries()) sender.send(`second ${index}`);
    other.send('second by another');
    await other.ping();
    world.proxy.cut();
    assert.deepEqual(await senders[0]?.closed(), UNKNOWN);
    await gate.open();
    await world.gateway.logged('listener_restored', RETURN_MS);

    const seconds = ['second 0', 'second 1', 'second by another'];
    await until('the rest', () => seconds.every((text) => times(world.committed(), text) === 1));
    await until('the rest, for the client', () =>
      seconds.every((text) => times(other.messages.map(payloadOf), text) === 1),
    );
    assert.ok(times(world.committed(), 'first') <= 1);
    await assertCarries(world, other);
    for (const sender of senders.slice(1)) await sender.close();
  });

  it('that is cut before the answer calls unknown what was committed, and does not send it again', async (t) => {
    const scope = ownScope(t);
    const { gate, world, other } = await setUpGate(scope);
    const sender = await world.gateway.client(claims);
    await gate.shut();
    sender.send('committed');
    await gate.waiting();
    world.proxy.set({ down: 'swallow' });
    await gate.open();
    await until('the commit', () => times(world.committed(), 'committed') === 1);
    world.proxy.cut();
    world.proxy.set(HEALTHY);
    assert.deepEqual(await sender.closed(), UNKNOWN);
    await world.gateway.logged('listener_restored', RETURN_MS);
    await assertCarries(world, other);
    assert.equal(times(world.committed(), 'committed'), 1);
  });

  it('that is cut again and again is mended each time, and leaves no connection behind', async (t) => {
    const scope = ownScope(t);
    const world = await setUp(scope);
    const { gateway, proxy } = world;
    const client = await gateway.client(claims);
    const restored = (): number =>
      gateway.events.filter(({ event }) => event === 'listener_restored').length;
    for (let round = 1; round <= 5; round += 1) {
      proxy.cut();
      await until('the next listener', () => restored() === round, RETURN_MS);
      client.send(`round ${round}`);
      await until('it', () => times(client.messages.map(payloadOf), `round ${round}`) === 1);
    }
    // What the mending itself needed is given back once it has been idle.
    await until(`no more than ${IN_USE} connections`, () => proxy.connections <= IN_USE);
    await until(
      'as many backends',
      async () => (await backends(world)) === proxy.connections || undefined,
    );
    await assertCarries(world, client);
  });

  it('that carries a kilobyte a second carries what fits, once and in order, and the proof of it', async (t) => {
    const scope = ownScope(t);
    const world = await setUp(scope);
    const { gateway, proxy, committed } = world;
    const [sender, reader] = [await gateway.client(claims), await gateway.client(claims)];
    sender.send('warm');
    await reader.message();
    proxy.set({ up: 1_000, down: 1_000 });
    const texts = Array.from({ length: 8 }, (_, index) => `slow ${index}`);
    for (const text of texts) sender.send(text);
    const received: string[] = [];
    while (received.length < texts.length)
      received.push(payloadOf(await reader.message(ANSWER_MS)));
    assert.deepEqual(received, texts);
    assert.deepEqual(committed().slice(1), texts);
    assert.ok(gateway.events.every(({ event }) => event !== 'listener_lost'));
    proxy.set(HEALTHY);
    await sender.close();
    await assertCarries(world, reader);
  });

  it('that is asked for more than it carries doubles nothing and keeps the order, and recovers', async (t) => {
    const scope = ownScope(t);
    const world = await setUp(scope);
    const { gateway, proxy, committed } = world;
    const [sender, reader] = [await gateway.client(claims), await gateway.client(claims)];
    sender.send('warm');
    await reader.message();
    proxy.set({ down: 1_000 });
    const texts = Array.from({ length: 60 }, (_, index) => `much ${index}`);
    for (const text of texts) sender.send(text);
    await gateway.logged('listener_lost', 2 * NOTICE_MS);
    proxy.set(HEALTHY);
    await readyAgain(gateway);
    await assertCarries(world, reader);
    for (const heard of [committed(), reader.messages.map(payloadOf)]) {
      const ranks = heard.map((text) => texts.indexOf(text)).filter((rank) => rank >= 0);
      assert.deepEqual(
        ranks,
        [...new Set(ranks)].toSorted((one, next) => one - next),
      );
    }
    assert.equal(new Set(committed().filter((text) => texts.includes(text))).size, texts.length);
    await sender.close();
  });
});

/** A world with a gate before NOTIFY, and a client who must be spared. */
async function setUpGate(scope: Scope) {
  const world = await setUp(scope, (url) => {
    const changed = new URL(url);
    changed.searchParams.set('options', '-c search_path=gate,pg_catalog');
    return changed.href;
  });
  const gate = await buildGate(scope, world.database);
  const other = await world.gateway.client(claims);
  return { gate, world, other };
}
