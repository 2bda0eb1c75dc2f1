import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { encodeFrame, opcodes } from '../support/frames.ts';
import type { TestGateway } from '../support/gateway.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import { noProbe, probe } from '../support/process-probe.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { enter } from '../support/rogue.ts';
import { tcpProxy } from '../support/tcp-proxy.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { WsClient } from '../support/ws-client.ts';

const scope = failOnLeaks();
const database = await freshDatabase({ after });
const { channel, query } = database;

const claims = { mode: 'rw', channels: ['chat'], exp: inSeconds(3_600) };

/** A client is asked for a sign of life once in so many ticks of a second. */
const ROUND = 30;

/** The system's buffers hold a few megabytes on their own before anything waits in the gateway. */
const BATCH = 100;
const MOST_BATCHES = 60;

interface World {
  readonly gateway: TestGateway;
  readonly proxy: TcpProxy;
  /** A client on a way of its own, who must notice nothing. */
  readonly witness: WsClient;
  /** A client who comes by the proxy. */
  remote(): Promise<WsClient>;
}

async function setUp(environment: Readonly<Record<string, string>> = {}): Promise<World> {
  const gateway = await startGateway(scope, {
    databaseUrl: database.url,
    environment: { POSTERN_DATABASE_CHANNEL: channel, ...environment },
  });
  const proxy = await tcpProxy(scope, { port: gateway.port });
  const witness = await gateway.client(claims);
  const remote = async (): Promise<WsClient> =>
    WsClient.connect(`ws://127.0.0.1:${proxy.port}/${await signToken(claims)}`);
  return { gateway, proxy, witness, remote };
}

function ends({ gateway: { events } }: World): readonly (readonly unknown[])[] {
  return events
    .filter(({ event }) => event === 'session_ended')
    .map(({ fields }) => [fields['code'], fields['by']]);
}

/** Notifies messages of nearly 8 kB. */
async function flood(count: number): Promise<void> {
  await query(
    `SELECT count(pg_notify($1, format('{"channel":"chat","n":%s,"x":"%s"}', n, $2::text)))
     FROM generate_series(1, $3::int) n`,
    [channel, 'x'.repeat(7_900), count],
  );
}

function payloads({ messages }: WsClient): readonly unknown[] {
  return messages.map((text) => JSON.parse(text).payload);
}

async function carries({ witness }: World): Promise<void> {
  witness.send('carried');
  await until('it', () => payloads(witness).includes('carried'));
  await witness.close();
}

describe('A network between client and gateway', () => {
  it('that stalls ends its client by 4008 when too much waits, and holds up nobody', async () => {
    const world = await setUp();
    const { proxy, witness } = world;
    const stalled = await world.remote();
    proxy.set({ down: 'stall' });
    let batches = 0;
    for (; ends(world).length === 0; batches += 1) {
      assert.ok(batches < MOST_BATCHES, 'it was never ended');
      await flood(BATCH);
      await until('the batch', () => witness.messages.length === (batches + 1) * BATCH);
    }
    assert.deepEqual(ends(world), [[4008, 'gateway']]);
    proxy.set({ down: 'pass' });
    await stalled.closed();
    const { messages } = stalled;
    assert.ok(messages.length < batches * BATCH);
    assert.deepEqual(messages, witness.messages.slice(0, messages.length));
    await carries(world);
  });

  it('that stalls for a moment loses nothing', async () => {
    const world = await setUp();
    const { proxy, witness } = world;
    const stalled = await world.remote();
    proxy.set({ up: 'stall', down: 'stall' });
    await flood(BATCH);
    witness.send('behind it');
    stalled.send('held up');
    await until('all of it', () => witness.messages.length === BATCH + 1);
    assert.equal(stalled.messages.length, 0);
    proxy.set({ up: 'pass', down: 'pass' });
    await until('all of it', () => payloads(stalled).includes('held up'));
    assert.deepEqual(stalled.messages, witness.messages);
    assert.deepEqual(ends(world), []);
    await stalled.close();
    await carries(world);
  });

  it('that is slow brings everything in order, and holds up nobody', async () => {
    const world = await setUp();
    const { proxy, witness } = world;
    const slow = await world.remote();
    proxy.set({ up: 2_000, down: 2_000 });
    const texts = Array.from({ length: 20 }, (_, index) => `text ${index}`);
    for (const text of texts) witness.send(text);
    slow.send('by the slow one');
    await until('all of it', () => witness.messages.length === texts.length + 1);
    assert.ok(slow.messages.length < texts.length);
    await until('all of it', () => slow.messages.length === texts.length + 1, 15_000);
    assert.deepEqual(slow.messages, witness.messages);
    proxy.set({ up: 'pass', down: 'pass' });
    await slow.close();
    await carries(world);
  });

  it('that loses everything is noticed by two pings that nobody answers', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const world = await setUp();
    const { proxy, witness } = world;
    for (const flows of [
      { up: 'swallow', down: 'swallow' },
      { up: 'swallow', down: 'pass' },
      { up: 'pass', down: 'swallow' },
    ] as const) {
      const before = ends(world).length;
      const gone = await world.remote();
      proxy.set(flows);
      for (let round = 0; round < 3; round += 1) {
        assert.equal(ends(world).length, before);
        t.mock.timers.tick(ROUND * 1_000);
        // The first round trip brings the gateway's ping before it, the second takes the pong along.
        await witness.ping();
        await witness.ping();
      }
      await until('its end', () => ends(world).length === before + 1);
      assert.deepEqual(ends(world).at(-1), [1006, 'gateway']);
      proxy.set({ up: 'pass', down: 'pass' });
      assert.equal((await gone.closed()).code, 1006);
    }
    await carries(world);
  });

  it('that is cut in the middle of a message brings nothing of it', async () => {
    const world = await setUp();
    const { proxy, witness } = world;
    for (const byte of [1, 5, 7, 500]) {
      const before = ends(world).length;
      const rogue = await enter(scope, proxy.port, claims);
      proxy.cutAfter('up', byte);
      rogue.write(encodeFrame({ opcode: opcodes.text, payload: 'x'.repeat(1_000) }));
      await until('its end', () => ends(world).length === before + 1);
      assert.deepEqual(ends(world).at(-1), [1006, 'client']);
      await rogue.ended();
    }
    witness.send('the only one');
    await witness.message();
    assert.deepEqual(payloads(witness), ['the only one']);
    await carries(world);
  });

  it('that is cut between the parts of a message brings nothing of it', async () => {
    const world = await setUp();
    const rogue = await enter(scope, world.proxy.port, claims);
    rogue.sendFrame({ opcode: opcodes.text, payload: 'a part', fin: false });
    rogue.sendFrame({ opcode: opcodes.ping });
    assert.equal((await rogue.frame()).opcode, opcodes.pong);
    world.proxy.cut();
    await until('its end', () => ends(world).length === 1);
    world.witness.send('the only one');
    await world.witness.message();
    assert.deepEqual(payloads(world.witness), ['the only one']);
    await carries(world);
  });

  it('that ends in one direction ends in both', async () => {
    const world = await setUp();
    const rogue = await enter(scope, world.proxy.port, claims);
    world.proxy.halfClose('server');
    await until('its end', () => ends(world).length === 1);
    assert.deepEqual(ends(world), [[1006, 'client']]);
    await rogue.ended();
    await carries(world);
  });

  for (const [direction, what] of [
    ['up', 'request'],
    ['down', 'answer'],
  ] as const)
    it(
      `that is cut within the ${what} of the handshake leaves nothing behind`,
      { skip: noProbe },
      async () => {
        const world = await setUp();
        const { descriptors } = probe(process.pid);
        const path = `/${await signToken(claims)}`;
        const before = descriptors();
        for (const byte of [1, 20, 100, 120]) {
          const sockets = await Promise.all(
            Array.from({ length: 25 }, () => RawSocket.connect(world.proxy.port)),
          );
          await until('all of them', () => world.proxy.connections === sockets.length);
          world.proxy.cutAfter(direction, byte);
          for (const socket of sockets) {
            socket.upgrade(path).catch(() => undefined);
            await socket.ended();
            socket.destroy();
          }
          await until('the end of all', () => world.proxy.connections === 0);
        }
        await until('their descriptors back', () => descriptors() <= before);
        const { events } = world.gateway;
        const count = (name: string): number => events.filter(({ event }) => event === name).length;
        await until(
          'the end of all',
          () => count('session_ended') === count('session_started') - 1,
        );
        assert.equal(count('handshake_failed'), 0);
        await carries(world);
      },
    );
});
