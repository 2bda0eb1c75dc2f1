import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import pg from 'pg';

import { startCompatibly } from '../conformance/compatibility-start.ts';
import { pathOf } from '../conformance/targets.ts';
import type { Exit } from '../support/child.ts';
import { handshake, request } from '../support/exchange.ts';
import { opcodes } from '../support/frames.ts';
import { buildGate } from '../support/gate.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { listen } from '../support/listen.ts';
import { freshDatabase } from '../support/postgres.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { serve } from '../support/served.ts';
import { inSeconds } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { WsClient } from '../support/ws-client.ts';

const CHAT = { mode: 'rw', channel: 'chat' } as const;

/** As many as are closed within a second. */
const CLIENTS = 200;

/** How long a client may take to answer its close frame. */
const CLOSE_MS = 3_000;

const scope = failOnLeaks();
const database = await freshDatabase({ after });
const path = await pathOf(CHAT);

async function connectMany(port: number, count: number): Promise<readonly WsClient[]> {
  const clients: WsClient[] = [];
  for (let n = 0; n < count; n += 1)
    clients.push(await WsClient.connect(`ws://127.0.0.1:${port}${path}`));
  return clients;
}

/** A client that stays when it is told to go. */
async function connectStubborn(port: number): Promise<RawSocket> {
  const socket = await RawSocket.connect(port);
  scope.after(() => Promise.resolve(socket.destroy()));
  assert.equal((await socket.upgrade(path)).status, 101);
  return socket;
}

for (const [signal, secondCode] of [
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const) {
  describe(`${signal}`, () => {
    it('refuses newcomers, sends everybody away over the window, and ends with 0', async () => {
      const { child, ready } = startCompatibly(scope, database);
      const { port } = await ready();
      const clients = await connectMany(port, CLIENTS);

      child.signal(signal);
      await child.line(/"event":"draining"/);
      assert.equal((await request(port, { target: '/readyz' })).status, 503);
      assert.equal((await request(port, { target: '/healthz' })).status, 200);
      const refusal = await handshake(port, { target: path });
      assert.deepEqual([refusal.status, refusal.body], [503, 'Going away']);

      const ends = await Promise.all(
        clients.map(async (client) => ({ ...(await client.closed()), ms: performance.now() })),
      );
      for (const { code, reason } of ends) assert.deepEqual([code, reason], [1001, 'Going away']);
      const times = ends.map(({ ms }) => ms);
      const sorted = times.toSorted((one, other) => one - other);
      assert.ok((sorted.at(-1) ?? 0) - (sorted[0] ?? 0) > 500, 'They were not spread');
      assert.notDeepEqual(times, sorted, 'They went in the order in which they had come');

      assert.equal((await child.exited()).code, 0);
      assert.match(child.stdout, /"event":"stopped"/);
      assert.doesNotMatch(child.stdout, /stop_late/);
      assert.equal(child.stderr, '');
    });

    it(`ends with ${secondCode} at once when it comes again`, async () => {
      const { child, ready } = startCompatibly(scope, database);
      const socket = await connectStubborn((await ready()).port);
      child.signal(signal);
      assert.equal((await socket.frame()).opcode, opcodes.close);

      const beforeMs = performance.now();
      let ended: Exit | undefined;
      void child.exited().then((exit) => (ended = exit));
      const exit = await until('its end', () => {
        child.signal(signal);
        return ended;
      });
      assert.equal(exit.code, secondCode);
      assert.ok(performance.now() - beforeMs < CLOSE_MS / 2);
    });

    it('takes two that come together for one: npm hands on what the terminal sends as well', async () => {
      const { child, ready } = startCompatibly(scope, database);
      await ready();
      child.signal(signal);
      child.signal(signal);
      assert.equal((await child.exited()).code, 0);
    });
  });
}

describe('A stop', () => {
  it('cuts off who does not go, and does not wait for requests that never come', async () => {
    const { child, ready } = startCompatibly(scope, database);
    const { port } = await ready();
    const stubborn = await connectStubborn(port);
    const [silent, half] = await Promise.all([RawSocket.connect(port), RawSocket.connect(port)]);
    half.write('GET / HTTP/1.1\r\n');
    scope.after(() => Promise.resolve([silent, half].forEach((socket) => socket.destroy())));

    child.signal('SIGTERM');
    await Promise.all([stubborn, silent, half].map((socket) => socket.ended(CLOSE_MS + 1_500)));
    assert.equal((await child.exited()).code, 0);
    assert.doesNotMatch(child.stdout, /stop_late/);
  });

  it('finishes the messages that are under way', async () => {
    const gate = await buildGate(scope, database);
    const { child, ready } = startCompatibly(scope, { ...database, url: gate.url });
    const { port } = await ready();
    const listener = await listen(scope, database);
    const client = await WsClient.connect(`ws://127.0.0.1:${port}${path}`);

    await gate.shut();
    for (let n = 0; n < 300; n += 1) client.send(String(n));
    await client.ping();
    await gate.waiting();
    child.signal('SIGTERM');
    assert.equal((await client.closed()).code, 1001);
    await gate.open();

    assert.equal((await child.exited()).code, 0);
    const payloads = (await listener.heard(300)).map((text) => Number(JSON.parse(text).payload));
    assert.deepEqual(
      payloads,
      Array.from({ length: 300 }, (_, n) => n),
    );
  });

  it('ends a start that still waits for PostgreSQL, with 0', async () => {
    const unreachable = { ...database, url: 'postgres://nobody@127.0.0.1:1/nowhere' };
    const { child } = startCompatibly(scope, unreachable, { PGWS_RETRIES: '1000' });
    await child.line(/"event":"database_retry"/);
    child.signal('SIGTERM');
    assert.equal((await child.exited()).code, 0);
    assert.equal(child.stderr, '');
  });

  it('sends away who came in before the start was through, as while a migration waits', async () => {
    const fresh = await freshDatabase(scope);
    const other = new pg.Client(fresh.url);
    await other.connect();
    await other.query('BEGIN; CREATE SCHEMA postern');
    const { child, ready, client } = await serve(scope, fresh);
    await ready();
    const one = await client({ ...CHAT, exp: inSeconds(60) });
    child.signal('SIGTERM');
    assert.deepEqual(await one.closed(), { code: 1001, reason: 'Going away' });
    await other.end();
    assert.equal((await child.exited()).code, 0);
    assert.doesNotMatch(child.stdout, /"event":"(?:ready|stop_late)"/);
  });

  it('of the library may be asked for twice, at once and later', async () => {
    const { gateway, client, events } = await startGateway(scope);
    const one = await client({ ...CHAT, exp: 2e9 });
    await Promise.all([gateway.stop(), gateway.stop()]);
    await gateway.stop();

    assert.deepEqual(await one.closed(), { code: 1001, reason: 'Going away' });
    const ends = events.map(({ event }) => event).filter((event) => /draining|stopped/.test(event));
    assert.deepEqual(ends, ['draining', 'stopped']);
    assert.equal(gateway.address, undefined);
  });

  it('is for good', async () => {
    const { gateway } = await startGateway(scope);
    await gateway.stop();
    await assert.rejects(gateway.start(), { code: 'POSTERN_STOPPED' });
    assert.equal(gateway.address, undefined);
  });
});
