import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { block, expectExpired, flood, GONE_MS, subscribeToChat } from '../support/expiry.ts';
import { closePayload, encodeFrame, opcodes } from '../support/frames.ts';
import { startMetered } from '../support/metered.ts';
import type { MeteredGateway } from '../support/metered.ts';
import { JumpingClock } from '../support/jumping-clock.ts';
import { failOnLeaks } from '../support/leaks.ts';
import type { Listener } from '../support/listen.ts';
import { listen } from '../support/listen.ts';
import { freshDatabase } from '../support/postgres.ts';
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

interface World {
  readonly gateway: MeteredGateway;
  readonly clock: JumpingClock;
  /** Hears what the gateway, and everybody else, notifies. */
  readonly listener: Listener;
  /** Notifies a message for the channel `chat`, by SQL. */
  notify(payload: string): Promise<void>;
}

async function setUp(variables: Readonly<Record<string, string>> = {}): Promise<World> {
  const clock = new JumpingClock();
  const environment = { POSTERN_DATABASE_CHANNEL: channel, ...variables };
  const gateway = await startMetered(scope, { databaseUrl: url, environment, hooks: { clock } });
  const listener = await listen(scope, { url, channel });
  const notify = async (payload: string): Promise<void> => {
    await query('SELECT pg_notify($1, $2)', [channel, message(payload)]);
  };
  return { gateway, clock, listener, notify };
}

function message(payload: string): string {
  return JSON.stringify({ channel: 'chat', payload });
}

/** The close frame of expiry as it goes over the wire. */
const EXPIRED = encodeFrame({
  opcode: opcodes.close,
  masked: false,
  payload: closePayload(3001, 'JWT expired'),
});

/** What each of two queues may differ by, and what may lie before a close frame. */
const MOST_IN_SOCKET_BYTES = 65_536;

const endsOf = ({ events }: MeteredGateway) =>
  events.filter(({ event }) => event === 'session_ended');

const witnessed = { mode: 'r', channels: ['chat'], exp: inSeconds(3_600) };

const hundred = Buffer.concat(
  Array.from({ length: 100 }, () => encodeFrame({ opcode: opcodes.text, payload: 'flood' })),
);

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
    assert.ok(goneMs <= GONE_MS, `gone ${goneMs} ms after exp`);
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

    const flooding = flood(rogue, rogue.ended(), () => hundred);
    const count = await inTime('the end of the flood', flooding, 6_000);
    assert.ok(count > 10, `${count} hundred frames`);
    await notify('marker');
    assert.deepEqual(await listener.heard(1), [message('marker')]);
  });

  it('delivers nothing that came while the loop was blocked for two seconds across it, and answers nothing', async () => {
    const { gateway } = await setUp();
    const exp = inSeconds(2);
    const rogue = await enter(scope, gateway.port, { mode: 'r', channels: ['chat'], exp });
    const page = await enter(scope, gateway.port, { mode: 'r', channels: ['chat'], exp }, 'v1');
    await subscribeToChat(page);
    const witness = await gateway.client(witnessed);

    // The transaction sleeps, so that its notifications come when nobody reads them.
    const notified = query(`SELECT pg_sleep(0.5), ${NOTIFY_MANY}`, [channel, 100, 'x']);
    await until('the transaction', async () => (await query(SLEEPERS)).length === 1);
    // The system takes it at once, the gateway reads it when the loop turns again.
    page.sendFrame({ opcode: opcodes.text, payload: '{"type":"ping","id":1}' });
    block(Math.max(2_000, exp * 1000 - Date.now() + 500));

    await expectExpired(rogue, 1_000);
    await expectExpired(page, 1_000);
    await notified;
    await until('the messages, for somebody else', () => witness.messages.length === 100);
    await witness.ping();
    assert.equal(rogue.unread.length + page.unread.length, 0);
    await witness.close();
  });

  it('is held against the clock before each delivery: no timer has to come first', async () => {
    const { gateway, clock, notify } = await setUp();
    const exp = clock.inSeconds(600);
    const rogue = await enter(scope, gateway.port, { mode: 'r', channels: ['chat'], exp });
    const witness = await gateway.client(witnessed);
    await until('the beginning of a second', () => Date.now() % 1000 < 200);
    clock.pass(600_000);
    await notify('a moment late');
    assert.equal(await witness.message(), message('a moment late'));
    await expectExpired(rogue, 1_250);
    await notify('even later');
    await witness.message();
    assert.equal(rogue.unread.length, 0);
    await witness.close();
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

  it('takes back what was queued for a client that does not read, but for what lies in its socket', async () => {
    const { gateway, clock } = await setUp({ POSTERN_QUEUE_BYTES: '0' });
    const claims = { mode: 'r', channels: ['chat'], exp: clock.inSeconds(600) };
    const rogue = await enter(scope, gateway.port, claims);
    const stubborn = await enter(scope, gateway.port, claims);
    const witness = await gateway.client(witnessed);
    for (const reader of [rogue, stubborn]) reader.pause();
    // More than the buffers of the system can hold: some of it waits in the gateway.
    const count = 2_000;
    await query(`SELECT ${NOTIFY_MANY}`, [channel, count, 'x'.repeat(7_900)]);
    await until('all messages', () => witness.messages.length === count, 15_000);
    const queued = (await gateway.scrape()).get('postern_outbox_bytes') ?? 0;
    assert.ok(queued > 4 * 65_536, `${queued} bytes: too few to show anything`);

    clock.pass(600_000);
    await until('both ends', () => endsOf(gateway).length === 2);
    rogue.resume();
    const bytes = await rogue.ended();
    const all = Buffer.byteLength(witness.messages.join('')) + 4 * count;
    assert.ok(
      bytes.length < all - queued / 2 + MOST_IN_SOCKET_BYTES,
      `${bytes.length} of ${all} bytes came, where some ${queued / 2} had waited`,
    );
    assert.deepEqual(bytes.subarray(-EXPIRED.length), EXPIRED, 'it was told why');

    // Whoever still reads nothing is not waited for: what it writes cannot be sent any more.
    const ping = encodeFrame({ opcode: opcodes.ping });
    await until(
      'the end of a client that reads nothing',
      async () => !(await stubborn.writeAll(ping)),
    );
    await witness.close();
  });
});
