import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { expectExpired, flood, GONE_MS, subscribeToChat } from '../support/expiry.ts';
import { encodeFrame, opcodes } from '../support/frames.ts';
import type { OutgoingFrame } from '../support/frames.ts';
import { JumpingClock } from '../support/jumping-clock.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { listen } from '../support/listen.ts';
import { startMetered } from '../support/metered.ts';
import { freshDatabase } from '../support/postgres.ts';
import type { RawSocket } from '../support/raw-socket.ts';
import { enter } from '../support/rogue.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';

const scope = failOnLeaks();
const { url, channel, query } = await freshDatabase({ after });

async function setUp(clock: JumpingClock = new JumpingClock()) {
  const environment = { POSTERN_DATABASE_CHANNEL: channel };
  const gateway = await startMetered(scope, { databaseUrl: url, environment, hooks: { clock } });
  const listener = await listen(scope, { url, channel });
  const notify = async (payload: string): Promise<void> => {
    const text = JSON.stringify({ channel: 'chat', payload });
    await query('SELECT pg_notify($1, $2)', [channel, text]);
  };
  const notified = (): readonly unknown[] => listener.texts.map((text) => JSON.parse(text).payload);
  return { gateway, clock, notify, notified };
}

const CLAIMS = { mode: 'rw', channels: ['chat'], sub: 'ada' } as const;

/** An end that no timer finds at once: they tick on whole seconds. */
const betweenTicks = (): number => inSeconds(2) + 0.2;

/** The beginning of a message of either protocol, and its end. */
const halves = {
  raw: ['be', 'gun'],
  v1: ['{"type":"ping",', '"id":1}'],
} as const;

/** All that a client can send by the rules of frames, another token among it. */
function everything(token: string): readonly OutgoingFrame[] {
  return [
    { opcode: opcodes.text, payload: 'hello' },
    { opcode: opcodes.text, payload: '{"type":"ping","id":2}' },
    { opcode: opcodes.text, payload: JSON.stringify({ type: 'auth', id: 3, token }) },
    { opcode: opcodes.text, payload: '{"type":"subscribe","id":4,"channel":"chat"}' },
    {
      opcode: opcodes.text,
      payload: '{"type":"publish","id":5,"channel":"chat","payload":"late"}',
    },
    { opcode: opcodes.binary, payload: 'hello' },
    { opcode: opcodes.pong, payload: 'pong' },
    { opcode: opcodes.text, payload: 'x'.repeat(60_000) },
    { opcode: opcodes.text, fin: false, payload: 'begun' },
    { opcode: opcodes.ping },
    { opcode: opcodes.continuation, payload: 'ended' },
  ];
}

describe('A client that ignores everything', () => {
  it('can do nothing after its deadline: it is told once, hears no more, is not heard, and is gone in 4 s', async () => {
    const { gateway, clock, notify, notified } = await setUp();
    const exp = clock.inSeconds(600);
    const token = await signToken({ ...CLAIMS, exp: clock.inSeconds(6_000) });
    const rogues = await Promise.all(
      (['raw', 'v1'] as const).map(async (stage) => {
        const rogue = await enter(scope, gateway.port, { ...CLAIMS, exp }, stage);
        if (stage === 'v1') await subscribeToChat(rogue);
        const [begin, end] = halves[stage];
        rogue.sendFrame({ opcode: opcodes.text, fin: false, payload: begin });
        rogue.sendFrame({ opcode: opcodes.ping });
        assert.equal((await rogue.frame()).opcode, opcodes.pong);
        return { stage, rogue, end: encodeFrame({ opcode: opcodes.continuation, payload: end }) };
      }),
    );
    const received = (await gateway.scrape()).get('postern_messages_received_total');

    clock.pass(600_000);
    const overMs = performance.now();
    const all = Buffer.concat(everything(token).map((frame) => encodeFrame(frame)));
    const ping = encodeFrame({ opcode: opcodes.ping });
    for (const { rogue, end } of rogues) rogue.write(Buffer.concat([ping, end, all]));
    await notify('for whoever may read');
    await Promise.all(rogues.map(({ rogue }) => expectExpired(rogue, 1_000)));

    for (const { stage, unread } of await Promise.all(
      rogues.map(async ({ stage, rogue }) => {
        const ended = rogue.ended(GONE_MS + 1_000);
        await flood(rogue, ended, () => all);
        return { stage, unread: await ended };
      }),
    ))
      assert.equal(unread.length, 0, stage);
    const goneMs = performance.now() - overMs;
    assert.ok(goneMs <= GONE_MS, `gone after ${goneMs} ms`);

    await notify('marker');
    await until('the marker', () => notified().includes('marker'));
    assert.deepEqual(notified(), ['for whoever may read', 'marker']);
    const scraped = await gateway.scrape();
    assert.equal(scraped.get('postern_messages_received_total'), received);
    assert.equal(scraped.get('postern_deliveries_total'), 0);
    assert.equal(scraped.get('postern_sessions'), 0);
    const ends = gateway.events.filter(({ event }) => event === 'session_ended');
    assert.deepEqual(
      ends.map(({ fields }) => fields['failure']),
      ['tokenExpired', 'tokenExpired'],
    );
  });

  it('cannot talk its way over its deadline: what it says from then on is not heard, and not answered', async () => {
    const { gateway, notified } = await setUp();
    const exp = betweenTicks();
    const isLate = (): boolean => Date.now() >= exp * 1000;
    const writer = await enter(scope, gateway.port, { ...CLAIMS, mode: 'w', exp });
    const page = await enter(scope, gateway.port, { ...CLAIMS, exp }, 'v1');
    const other = await gateway.client({ ...CLAIMS, exp: inSeconds(600) });
    const LATE = 1_000_000;
    let [early, late] = [0, LATE];
    const command = (): string => `{"type":"ping","id":${isLate() ? (late += 1) : (early += 1)}}`;
    const text = (payload: string): Buffer => encodeFrame({ opcode: opcodes.text, payload });
    await Promise.all([
      flood(writer, writer.ended(8_000), () => text(isLate() ? 'late' : 'early')),
      flood(page, page.ended(8_000), () => text(command())),
    ]);
    assert.ok(early > 10 && late > LATE + 10, `${early} and ${late - LATE} commands`);

    await expectExpired(writer, 1_000);
    // Behind all that the gateway has taken.
    other.send('marker');
    await until('the marker', () => notified().includes('marker'));
    assert.deepEqual([...new Set(notified())], ['early', 'marker']);

    const ids = await repliesOf(page);
    assert.ok(ids.length > 10);
    assert.ok(!ids.some((id) => id >= LATE), `${Math.max(...ids) - LATE}`);
    await other.close();
  });
});

/** The ids of all replies, up to the close frame, which is the last that came. */
async function repliesOf(page: RawSocket): Promise<readonly number[]> {
  const ids: number[] = [];
  for (let frame = await page.frame(); frame.opcode !== opcodes.close; frame = await page.frame()) {
    const { id } = Object(JSON.parse(frame.payload.toString()));
    if (id !== undefined) ids.push(Number(id));
  }
  assert.equal(page.unread.length, 0);
  return ids;
}
