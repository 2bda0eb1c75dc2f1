import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { closePayload, encodeFrame, opcodes } from '../support/frames.ts';
import type { IncomingFrame } from '../support/frames.ts';
import type { TestGateway } from '../support/gateway.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import type { RawSocket } from '../support/raw-socket.ts';
import { enter } from '../support/rogue.ts';
import { inSeconds } from '../support/tokens.ts';
import { until } from '../support/wait.ts';

const scope = failOnLeaks();
const { url: databaseUrl, channel, query } = await freshDatabase({ after });

const claims = { mode: 'r', channels: ['chat'], exp: inSeconds(3_600) };
const LIMIT = 1024 * 1024;

/** What connections to PostgreSQL and the pools of Node hold, give or take. */
const SLACK = 256 * 1024;

const BATCH = 25;

setFlagsFromString('--expose-gc');
const collectGarbage: unknown = runInNewContext('gc');

/** Bytes of buffers that somebody still needs. */
function bufferBytes(): number {
  // The first finds what nobody needs and frees it in the background, the second waits for that.
  for (let round = 0; round < 2; round += 1)
    if (typeof collectGarbage === 'function') collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

function start(): Promise<TestGateway> {
  return startGateway(scope, {
    databaseUrl,
    environment: { POSTERN_DATABASE_CHANNEL: channel, POSTERN_QUEUE_BYTES: String(LIMIT) },
  });
}

/** Notifies a batch of messages of nearly 8 KB. */
async function notifyBatch(first: number): Promise<void> {
  await query(
    `SELECT count(pg_notify($1, format('{"channel":"chat","n":%s,"x":"%s"}', n, $2::text)))
     FROM generate_series($3::int, $4::int) n`,
    [channel, 'x'.repeat(7_900), first, first + BATCH - 1],
  );
}

/** Reads until the close frame. */
async function readToTheEnd(rogue: RawSocket): Promise<readonly IncomingFrame[]> {
  const frames: IncomingFrame[] = [];
  while (frames.at(-1)?.opcode !== opcodes.close) frames.push(await rogue.frame());
  return frames;
}

describe('A client that reads too slowly', () => {
  it('costs no more memory than the limit, is told 4008 beyond it, and holds up nobody', async () => {
    const gateway = await start();
    const rogue = await enter(scope, gateway.port, claims);
    const witness = await gateway.client(claims);
    rogue.pause();
    const before = bufferBytes();

    const ended = (): boolean => gateway.events.some(({ event }) => event === 'session_ended');
    const samples: number[] = [];
    let sent = 0;
    for (; !ended(); sent += BATCH) {
      assert.ok(sent < 5_000, 'it was never told');
      await notifyBatch(sent);
      await until('the batch', () => ended() || witness.messages.length === sent + BATCH);
      samples.push(bufferBytes() - before);
    }
    const most = Math.max(...samples);
    assert.ok(most < LIMIT + SLACK, `${most} bytes were held`);
    assert.ok(most > LIMIT / 2, `${most} bytes: this cannot be the memory that was meant`);

    rogue.resume();
    const frames = await readToTheEnd(rogue);
    assert.deepEqual(frames.at(-1)?.payload, closePayload(4008, 'Slow consumer'));
    const texts = frames.slice(0, -1).map(({ payload }) => payload.toString());
    await until('everything, for the other', () => witness.messages.length === sent);
    assert.deepEqual(texts, witness.messages.slice(0, texts.length));
    assert.ok(texts.length < sent);
    await witness.close();
  });

  it('is ended with 4008 for the replies to its own commands, which cost no more either', async () => {
    const gateway = await start();
    const rogue = await enter(scope, gateway.port, claims, 'v1');
    rogue.pause();
    const before = bufferBytes();
    // Each is answered by an error that is longer than what it says.
    const command = encodeFrame({ opcode: opcodes.text, payload: '{"type":"x","id":1}' });
    const commands = Buffer.concat(Array.from({ length: 2_000 }, () => command));
    const witness = await gateway.client(claims);
    let isOver = false;
    const ended = gateway.logged('session_ended', 60_000).finally(() => (isOver = true));
    let most = 0;
    while (!isOver) {
      rogue.write(commands);
      await witness.ping(15_000);
      most = Math.max(most, bufferBytes() - before);
    }
    assert.equal((await ended)['code'], 4008);
    assert.ok(most < LIMIT + SLACK, `${most} bytes were held`);
    assert.ok(most > LIMIT / 2, `${most} bytes: this cannot be the memory that was meant`);
    await witness.close();
  });

  it('gets everything, in order, as long as it stays below the limit', async () => {
    const gateway = await start();
    const rogue = await enter(scope, gateway.port, claims);
    const numbers: unknown[] = [];
    for (let first = 0; first < 40 * BATCH; first += BATCH) {
      rogue.pause();
      await notifyBatch(first);
      rogue.resume();
      for (let count = 0; count < BATCH; count += 1)
        numbers.push(JSON.parse((await rogue.frame()).payload.toString()).n);
    }
    assert.deepEqual(
      numbers,
      Array.from({ length: 40 * BATCH }, (_, number) => number),
    );
  });

  it('costs the memory of each message once, however many read slowly', async () => {
    const gateway = await start();
    const rogues = await Promise.all(
      Array.from({ length: 20 }, () => enter(scope, gateway.port, claims)),
    );
    const witness = await gateway.client(claims);
    for (const rogue of rogues) rogue.pause();
    const before = bufferBytes();
    let sent = 0;
    const ended = (): number =>
      gateway.events.filter(({ event }) => event === 'session_ended').length;
    let most = 0;
    for (; ended() < rogues.length; sent += BATCH) {
      assert.ok(sent < 5_000, `only ${ended()} were told`);
      await notifyBatch(sent);
      await until('the batch', () => witness.messages.length === sent + BATCH);
      most = Math.max(most, bufferBytes() - before);
    }
    assert.ok(most < 4 * LIMIT, `${most} bytes were held`);
    await witness.close();
  });
});
