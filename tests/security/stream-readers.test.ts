import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { block, GONE_MS } from '../support/expiry.ts';
import { JumpingClock } from '../support/jumping-clock.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import { PREAUTH_ENVIRONMENT, SITE_CLAIMS } from '../support/preauth.ts';
import { RawSocket } from '../support/raw-socket.ts';
import { StreamClient } from '../support/stream-client.ts';
import { BEARER, payloads, publish, publishMany } from '../support/streams.ts';
import { startGateway } from '../support/gateway.ts';
import type { TestGateway, TestGatewayOptions } from '../support/gateway.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';

const scope = failOnLeaks();
const { url: databaseUrl, channel, query } = await freshDatabase({ after });

/** A gateway on the database of this file. */
async function start(
  environment: Readonly<Record<string, string>> = {},
  hooks: TestGatewayOptions['hooks'] = {},
): Promise<TestGateway> {
  const variables = { ...PREAUTH_ENVIRONMENT, POSTERN_DATABASE_CHANNEL: channel, ...environment };
  return { ...(await startGateway(scope, { databaseUrl, environment: variables, hooks })), query };
}

/** Reads a stream by hand, and does nothing that it is not told to do. */
async function rogue(
  port: number,
  { bearer = BEARER, more = '' }: { readonly bearer?: string; readonly more?: string } = {},
): Promise<RawSocket> {
  const socket = await RawSocket.connect(port);
  scope.after(() => Promise.resolve(socket.destroy()));
  socket.write(
    `GET /sse?channel=chat HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${bearer}\r\n\r\n${more}`,
  );
  return socket;
}
const textOf = (socket: RawSocket): string => socket.unread.toString();
const endings = ({ events }: TestGateway) =>
  events.filter(({ event }) => event === 'session_ended');
const lasting = (seconds: number): Promise<string> =>
  signToken({ ...SITE_CLAIMS, exp: inSeconds(seconds) });

describe('A stream whose token ends', () => {
  it('is cut off within 4 s, though its client keeps its side open; nothing comes after expired', async () => {
    const gateway = await start();
    const exp = inSeconds(2);
    const socket = await rogue(gateway.port, { bearer: await signToken({ ...SITE_CLAIMS, exp }) });
    await until('the end', () => textOf(socket).includes('event: expired'), 6_000);
    const toldMs = Date.now() - exp * 1000;
    assert.ok(toldMs >= 0 && toldMs <= 1_500, `told ${toldMs} ms after exp`);
    await publish(gateway, 'chat', 'after');
    const all = (await socket.ended()).toString();
    assert.ok(Date.now() - exp * 1000 <= GONE_MS);
    assert.match(all, /\n\nevent: expired\ndata: \{"type":"expired",[^\n]*\}\n\n$/);
    assert.equal(endings(gateway).length, 1);
  });

  it('is cut off within 4 s when its client reads nothing', async () => {
    const gateway = await start({
      POSTERN_QUEUE_BYTES: '0',
      POSTERN_CONNECTIONS_PER_USER: '1',
    });
    const exp = inSeconds(3);
    const socket = await rogue(gateway.port, { bearer: await signToken({ ...SITE_CLAIMS, exp }) });
    await until('the welcome', () => textOf(socket).includes('event: welcome'));
    socket.pause();
    for (let first = 1; first < 4_000; first += 500)
      await publishMany(gateway, ['chat'], { first, last: first + 499, padding: 7_000 });
    const { code } = await gateway.logged('session_ended', 6_000);
    assert.equal(code, 3001);
    // As long as it has a connection its user has no other place.
    await until(
      'its cut',
      () => StreamClient.open(scope, gateway.port, { bearer: BEARER }).catch(() => undefined),
      GONE_MS,
    );
    assert.ok(Date.now() - exp * 1000 <= GONE_MS + 1_000);
    socket.resume();
    const all = (await socket.ended()).toString();
    assert.ok(!all.includes('event: expired'));
  });

  it('gets nothing that came while the loop was blocked across its end', async () => {
    const gateway = await start();
    const exp = inSeconds(2);
    const socket = await rogue(gateway.port, { bearer: await signToken({ ...SITE_CLAIMS, exp }) });
    const witness = await StreamClient.open(scope, gateway.port, { bearer: BEARER });
    await witness.said('welcome');
    await until('the welcome', () => textOf(socket).includes('event: welcome'));
    const notified = query(
      `SELECT pg_sleep(0.5), pg_notify($1, '{"channel":"chat","payload":"late"}')`,
      [channel],
    );
    await until('the transaction', async () => {
      const sleepers = `SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()`;
      return (await query(sleepers)).length === 1;
    });
    block(Math.max(2_000, exp * 1000 - Date.now() + 500));
    await notified;
    assert.deepEqual(await payloads(witness, 1), ['late']);
    const all = (await socket.ended()).toString();
    assert.ok(all.includes('event: expired') && !all.includes('late'));
  });

  it('is held against both clocks before each event: no timer has to come first', async () => {
    const clock = new JumpingClock();
    const gateway = await start({}, { clock });
    const socket = await rogue(gateway.port, { bearer: await lasting(600) });
    await until('the welcome', () => textOf(socket).includes('event: welcome'));
    const witness = await StreamClient.open(scope, gateway.port, { bearer: BEARER });
    await witness.said('welcome');
    await until('the beginning of a second', () => Date.now() % 1000 < 200);
    clock.pass(600_000);
    await publish(gateway, 'chat', 'a moment late');
    assert.deepEqual(await payloads(witness, 1), ['a moment late']);
    const all = (await socket.ended()).toString();
    assert.ok(all.includes('event: expired') && !all.includes('a moment late'));
  });
});

describe('A reader of a stream', () => {
  it('that is too slow is ended, has cost no more than the limit, and holds up nobody', async () => {
    const gateway = await start({ POSTERN_QUEUE_BYTES: '200000' });
    const socket = await rogue(gateway.port);
    await until('the welcome', () => textOf(socket).includes('event: welcome'));
    socket.pause();
    const witness = await StreamClient.open(scope, gateway.port, { bearer: BEARER });
    await witness.said('welcome');
    let sent = 0;
    for (; endings(gateway).length === 0; sent += 100) {
      assert.ok(sent < 10_000, 'it was never ended');
      await publishMany(gateway, ['chat'], { first: sent + 1, last: sent + 100, padding: 7_000 });
      await payloads(witness, 100);
    }
    const { code, by } = endings(gateway)[0]?.fields ?? {};
    assert.deepEqual([code, by], [4008, 'gateway']);
    socket.resume();
    const read = (await socket.ended()).toString().match(/^event: message$/gm)?.length ?? 0;
    assert.ok(read > 0 && read < sent);
  });

  it('on whose side nothing moves is cut off at the third comment', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const gateway = await start({ POSTERN_QUEUE_BYTES: '0' });
    const socket = await rogue(gateway.port);
    await until('the welcome', () => textOf(socket).includes('event: welcome'));
    socket.pause();
    for (let first = 1; first < 3_000; first += 500)
      await publishMany(gateway, ['chat'], { first, last: first + 499, padding: 7_000 });
    const witness = await StreamClient.open(scope, gateway.port, { bearer: BEARER });
    for (let beat = 1; beat <= 3; beat += 1) {
      assert.equal(endings(gateway).length, 0);
      for (let second = 0; second < 15; second += 1) t.mock.timers.tick(1_000);
      await until('the comment, for another', () => witness.comments === beat);
    }
    const { failure, by } = await gateway.logged('session_ended');
    assert.deepEqual([failure, by], ['abnormal', 'gateway']);
    assert.equal(endings(gateway).length, 1);
  });

  it('that leaves is noticed at once', async () => {
    const gateway = await start();
    const socket = await rogue(gateway.port);
    await until('the welcome', () => textOf(socket).includes('event: welcome'));
    socket.destroy();
    await until('its end', () => endings(gateway).length === 1);
  });

  it('cannot have a second answer on its connection, nor a stream behind another answer', async () => {
    const gateway = await start();
    const head = `Host: 127.0.0.1\r\nAuthorization: Bearer ${BEARER}\r\n\r\n`;
    const behind = await rogue(gateway.port, { more: `GET /sse?channel=chat HTTP/1.1\r\n${head}` });
    await behind.ended();
    await until(
      'no session',
      () =>
        endings(gateway).length ===
        gateway.events.filter(({ event }) => event === 'session_started').length,
    );
    const polite = await rogue(gateway.port, {
      more: `GET /healthz HTTP/1.1\r\n${head}`.repeat(100),
    });
    await until('the welcome', () => textOf(polite).includes('event: welcome'));
    await publish(gateway, 'chat', 'still here');
    await until('the message', () => textOf(polite).includes('still here'));
    assert.equal(textOf(polite).match(/HTTP\/1\.1/g)?.length, 1);
  });
});
