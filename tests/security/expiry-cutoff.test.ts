import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { closePayload, encodeFrame, opcodes } from '../support/frames.ts';
import type { TestGateway } from '../support/gateway.ts';
import { startGateway } from '../support/gateway.ts';
import { JumpingClock } from '../support/jumping-clock.ts';
import { failOnLeaks } from '../support/leaks.ts';
import type { Listener } from '../support/listen.ts';
import { listen } from '../support/listen.ts';
import { freshDatabase } from '../support/postgres.ts';
import type { RawSocket } from '../support/raw-socket.ts';
import { enter } from '../support/rogue.ts';
import { inSeconds } from '../support/tokens.ts';
import { inTime, until } from '../support/wait.ts';

const scope = failOnLeaks();
const { url, channel, query } = await freshDatabase({ after });

/** So many messages for `chat`, each with this padding. */
const NOTIFY_MANY = `(SELECT count(pg_notify($1, format('{"channel":"chat","n":%s,"x":"%s"}', n, $3::text)))
  FROM generate_series(1, $2::int) n)`;

const SLEEPERS = `SELECT FROM pg_stat_activity
  WHERE wait_event = 'PgSleep' AND datname = current_database()`;

const EXPIRED = closePayload(3001, 'JWT expired');

interface World {
  readonly gateway: TestGateway;
  readonly clock: JumpingClock;
  /** Hears what the gateway, and everybody else, notifies. */
  readonly listener: Listener;
  /** Notifies a message for the channel `chat`, by SQL. */
  notify(payload: string): Promise<void>;
}

async function setUp(variables: Readonly<Record<string, string>> = {}): Promise<World> {
  const clock = new JumpingClock();
  const environment = { POSTERN_DATABASE_CHANNEL: channel, ...variables };
  const gateway = await startGateway(scope, { databaseUrl: url, environment, hooks: { clock } });
  const listener = await listen(scope, { url, channel });
  const notify = async (payload: string): Promise<void> => {
    await query('SELECT pg_notify($1, $2)', [channel, message(payload)]);
  };
  return { gateway, clock, listener, notify };
}

function message(payload: string): string {
  return JSON.stringify({ channel: 'chat', payload });
}

const witnessed = { mode: 'r', channels: ['chat'], exp: inSeconds(3_600) };

/** The next frame is the close frame of expiry, and nothing was sent before it. */
async function expectExpired(rogue: RawSocket, deadlineMs: number): Promise<void> {
  const { opcode, payload } = await rogue.frame(deadlineMs);
  assert.deepEqual(
    [opcode, payload.toString('latin1')],
    [opcodes.close, EXPIRED.toString('latin1')],
  );
}

/** Nothing runs in this process meanwhile: no timer, no socket. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Keeps writing text frames until the connection is gone, and says how many. */
async function flood(rogue: RawSocket, gone: Promise<unknown>): Promise<number> {
  const frame = encodeFrame({ opcode: opcodes.text, payload: 'flood' });
  const hundred = Buffer.concat(Array.from({ length: 100 }, () => frame));
  let over = false;
  const stop = (): void => void (over = true);
  gone.then(stop, stop);
  let count = 0;
  for (; !over; count += 100) {
    rogue.write(hundred);
    await turn();
  }
  return count;
}

describe('A token that ends while its socket is open', () => {
  it('cuts off a client that ignores the close: 3001 in 1 s, nothing after it, the end in 4 s', async () => {
    const { gateway, listener, notify } = await setUp();
    const witness = await gateway.client(witnessed);
    const exp = inSeconds(2);
    const rogue = await enter(scope, gateway.port, { mode: 'rw', channels: ['chat'], exp });

    await notify('before');
    assert.equal((await rogue.frame()).payload.toString(), message('before'));
    rogue.sendFrame({ opcode: opcodes.text, payload: 'still mine' });
    await rogue.frame();
    assert.equal((await listener.heard(2)).length, 2);

    await expectExpired(rogue, 4_000);
    const closedMs = Date.now() - exp * 1000;
    assert.ok(closedMs >= 0 && closedMs <= 1_000, `closed ${closedMs} ms after exp`);

    await notify('after');
    rogue.sendFrame({ opcode: opcodes.text, payload: 'too late' });
    const unread = await rogue.ended();
    const goneMs = Date.now() - exp * 1000;
    assert.ok(goneMs <= 4_000, `gone ${goneMs} ms after exp`);
    assert.equal(unread.length, 0);

    await until('what others hear', () => witness.messages.length === 3);
    assert.deepEqual(
      listener.texts.map((text) => JSON.parse(text).payload),
      ['before', 'still mine', 'after'],
    );
    const { code, by } = await gateway.logged('session_ended');
    assert.deepEqual({ code, by }, { code: 3001, by: 'gateway' });
    await witness.close();
  });

  it('lets none of the messages through that a client floods it with after the close', async () => {
    const { gateway, listener, notify } = await setUp();
    const exp = inSeconds(2);
    const rogue = await enter(scope, gateway.port, { mode: 'w', channels: ['chat'], exp });
    await expectExpired(rogue, 4_000);

    const count = await inTime('the end of the flood', flood(rogue, rogue.ended()), 6_000);
    assert.ok(count > 1_000, `${count} frames`);
    await notify('marker');
    assert.deepEqual(await listener.heard(1), [message('marker')]);
  });

  it('delivers nothing that came while the loop was blocked for two seconds across it', async () => {
    const { gateway } = await setUp();
    const exp = inSeconds(2);
    const rogue = await enter(scope, gateway.port, { mode: 'r', channels: ['chat'], exp });
    const witness = await gateway.client(witnessed);

    // The transaction sleeps, so that its notifications come when nobody reads them.
    const notified = query(`SELECT pg_sleep(0.5), ${NOTIFY_MANY}`, [channel, 100, 'x']);
    await until('the transaction', async () => (await query(SLEEPERS)).length === 1);
    block(Math.max(2_000, exp * 1000 - Date.now() + 500));

    await expectExpired(rogue, 1_000);
    await notified;
    await until('the messages, for somebody else', () => witness.messages.length === 100);
    await witness.ping();
    assert.equal(rogue.unread.length, 0);
    await witness.close();
  });

  it('is held against the clock before each delivery: no timer has to come first', async () => {
    const { gateway, clock, listener, notify } = await setUp();
    const exp = clock.inSeconds(600);
    const rogue = await enter(scope, gateway.port, { mode: 'r', channels: ['chat'], exp });
    await until('the beginning of a second', () => Date.now() % 1000 < 200);
    clock.pass(600_000);
    await notify('a moment late');
    await expectExpired(rogue, 500);
    await notify('even later');
    assert.equal((await listener.heard(2)).length, 2);
    assert.equal(rogue.unread.length, 0);
  });

  it('is held against the clock before each message of the client, too', async () => {
    const { gateway, clock, listener, notify } = await setUp();
    const exp = clock.inSeconds(600);
    const rogue = await enter(scope, gateway.port, { mode: 'w', channels: ['chat'], exp });
    await until('the beginning of a second', () => Date.now() % 1000 < 200);
    clock.pass(600_000);
    rogue.sendFrame({ opcode: opcodes.text, payload: 'a moment late' });
    await expectExpired(rogue, 500);
    await notify('marker');
    assert.deepEqual(await listener.heard(1), [message('marker')]);
  });

  it('takes back what was queued for a client that does not read', async () => {
    const { gateway, clock } = await setUp({ POSTERN_QUEUE_BYTES: '0' });
    const exp = clock.inSeconds(600);
    const rogue = await enter(scope, gateway.port, { mode: 'r', channels: ['chat'], exp });
    const witness = await gateway.client(witnessed);
    rogue.pause();
    // More than the buffers of the system can hold: some of it waits in the gateway.
    const count = 2_000;
    await query(`SELECT ${NOTIFY_MANY}`, [channel, count, 'x'.repeat(7_900)]);
    await until('all messages', () => witness.messages.length === count, 15_000);

    clock.pass(600_000);
    await gateway.logged('session_ended');
    rogue.resume();
    const { length } = await rogue.ended();
    assert.ok(length < count * 6_000, `${length} bytes came after all`);
    await witness.close();
  });
});
