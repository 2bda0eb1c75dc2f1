import assert from 'node:assert/strict';
import { it } from 'node:test';

import type { Handshake } from '../../support/exchange.ts';
import type { Scope } from '../../support/postgres.ts';
import { StreamClient } from '../../support/stream-client.ts';
import { inSeconds, signToken } from '../../support/tokens.ts';
import { until } from '../../support/wait.ts';
import { CUT } from '../cut.ts';
import { describeOnAll } from '../suites.ts';
import type { Claims, Target } from '../targets.ts';
import { startV1Targets } from '../v1/targets.ts';
import { enter, freshChannel, NO_NAMES, tokenFor } from '../v1/v1-client.ts';
import type { V1Client } from '../v1/v1-client.ts';

/** What a stream is asked for beside its channels. */
interface Wish {
  readonly claims?: Claims;
  readonly from?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An `id` without an event. */
const MARK = /^id: .+\n\n/m;

const targets = await startV1Targets();

/** Opens a stream of these channels, which its token grants. */
async function open(t: Scope, target: Target, channels: readonly string[], wish: Wish = {}) {
  const bearer = await tokenFor({ channels, ...wish.claims });
  return await StreamClient.open(t, target.place, {
    target: pathFor(target, channels, wish.from),
    bearer,
    origin: undefined,
    headers: wish.headers ?? {},
  });
}

function pathFor(
  { basePath }: Pick<Target, 'basePath'>,
  channels: readonly string[],
  from?: string,
) {
  const query = new URLSearchParams();
  for (const channel of channels) query.append('channel', channel);
  if (from !== undefined) query.set('from', from);
  return `${basePath}/sse?${query}`;
}

/** Somebody who publishes to these channels, and reads them by WebSocket, too. */
async function enterBeside(t: Scope, target: Target, channels: readonly string[]) {
  const { client } = await enter(t, target, { channels, sub: 'bo' });
  for (const channel of channels) await client.ask({ type: 'subscribe', channel });
  return client;
}

const publish = async (client: V1Client, channel: string, payload: unknown): Promise<void> => {
  await client.ask({ type: 'publish', channel, payload });
};

/** The payloads of the next messages. */
async function payloads(stream: StreamClient, count: number): Promise<readonly unknown[]> {
  const all: unknown[] = [];
  while (all.length < count) all.push((await stream.said('message'))['payload']);
  return all;
}

describeOnAll(targets, 'a stream', (target) => {
  it('begins with a welcome, and is kept by nobody on the way', async (t) => {
    const channel = freshChannel();
    const stream = await open(t, target, [channel], { claims: { mode: 'r' } });
    assert.match(stream.headers['content-type'] ?? '', /^text\/event-stream/);
    assert.match(stream.headers['cache-control'] ?? '', /no-store/);
    const welcome = await stream.said('welcome');
    assert.deepEqual([welcome['user'], welcome['channels']], ['ada', { [channel]: 'r' }]);
    assert.ok(Math.abs(Number(welcome['serverTime']) - Date.now() / 1000) < 60);
  });

  it('tells what postern.v1 tells, to the byte, with the cursor as its id', async (t) => {
    const channels = [freshChannel(), freshChannel()];
    const stream = await open(t, target, channels);
    await stream.said('welcome');
    const beside = await enterBeside(t, target, channels);
    for (const channel of [...channels, ...channels])
      await publish(beside, channel, ['é\n\0', channel]);
    await beside.payloads(4);
    const texts = beside.socket.messages.filter((text) => text.includes('"type":"message"'));
    for (const text of texts) {
      const { type, data, lastEventId } = await stream.event();
      assert.deepEqual([type, data, lastEventId], ['message', text, JSON.parse(text).cursor]);
    }
  });

  it('comes back by Last-Event-ID or from=, has what it missed of all channels, then what is new', async (t) => {
    const channels = [freshChannel(), freshChannel()] as const;
    const [one, other] = channels;
    const beside = await enterBeside(t, target, channels);
    const first = await open(t, target, channels);
    await first.said('welcome');
    await publish(beside, one, 1);
    const { lastEventId: id } = await first.event();
    first.leave();
    for (const [channel, payload] of [
      [other, 2],
      [one, 3],
      [other, 4],
    ] as const)
      await publish(beside, channel, payload);

    const byHeader = await open(t, target, channels, { headers: { 'Last-Event-ID': id } });
    const byQuery = await open(t, target, channels, { from: id });
    const byBoth = await open(t, target, channels, { from: 'x', headers: { 'Last-Event-ID': id } });
    for (const stream of [byHeader, byQuery, byBoth]) {
      await stream.said('welcome');
      assert.deepEqual(await payloads(stream, 3), [2, 3, 4]);
      await until('the mark', () => MARK.test(stream.text));
      assert.ok(stream.text.search(MARK) > stream.text.lastIndexOf('data:'));
    }
    await publish(beside, one, 5);
    for (const stream of [byHeader, byQuery, byBoth])
      assert.deepEqual(await payloads(stream, 1), [5]);
  });

  it('takes the cursors of postern.v1, and gives it its own', async (t) => {
    const channel = freshChannel();
    const beside = await enterBeside(t, target, [channel]);
    await publish(beside, channel, 1);
    const { cursor } = await beside.heard('message');
    await publish(beside, channel, 2);
    const stream = await open(t, target, [channel], { from: String(cursor) });
    await stream.said('welcome');
    const { data, lastEventId } = await stream.event();
    assert.equal(JSON.parse(data).payload, 2);
    await publish(beside, channel, 3);
    await beside.payloads(2);
    const reply = await beside.ask({ type: 'subscribe', channel, from: lastEventId });
    assert.equal(reply['recovered'], true);
    assert.deepEqual(await beside.payloads(1), [3]);
  });

  it('with a cursor that nobody knows is told a gap of each channel', async (t) => {
    const channels = [freshChannel(), freshChannel()];
    const beside = await enterBeside(t, target, channels);
    const stream = await open(t, target, channels, { from: 'unknown' });
    await stream.said('welcome');
    const gaps = [await stream.said('gap'), await stream.said('gap')];
    assert.deepEqual(new Set(gaps.map(({ channel }) => channel)), new Set(channels));
    for (const { reason } of gaps) assert.equal(reason, 'unknown_cursor');
    await publish(beside, channels[0] ?? '', 'new');
    assert.deepEqual(await payloads(stream, 1), ['new']);
  });

  it('is warned of the end of its token, told when it has come, and over', async (t) => {
    const stream = await open(t, target, [freshChannel()], { claims: { exp: inSeconds(SOON) } });
    await stream.said('welcome');
    const { seconds } = await stream.said('expiring');
    assert.ok(Number(seconds) > 0 && Number(seconds) <= SOON);
    const { code, retry } = await stream.said('expired', 15_000);
    assert.deepEqual([code, retry], [3001, 'new-token']);
    await stream.ended();
  });
});

/** Seconds until the end of a token that a scenario waits for: long enough to come in by. */
const SOON = 7;

describeOnAll(targets, 'a request for a stream', (target) => {
  const refused = async (request: Handshake, claims: Claims = {}) => {
    const bearer = await tokenFor({ channels: ['chat'], ...claims });
    const { status, body } = await target.handshake({
      target: '/sse?channel=chat',
      ...request,
      headers: {
        Upgrade: undefined,
        Connection: 'close',
        'Sec-WebSocket-Key': undefined,
        'Sec-WebSocket-Version': undefined,
        Authorization: `Bearer ${bearer}`,
        ...request.headers,
      },
    });
    assert.equal(body.includes(bearer), false);
    return `${status} ${/urn:postern:failure:(\w+)/.exec(body)?.[1]}`;
  };

  it('is refused without a credential that holds', async () => {
    const forged = await signToken({ channels: ['chat'] }, { key: 'x'.repeat(32) });
    assert.equal(
      await refused({ headers: { Authorization: undefined } }),
      '401 credential_missing',
    );
    assert.equal(
      await refused({ headers: { Authorization: `Bearer ${forged}` } }),
      '401 token_invalid',
    );
    assert.equal(await refused({}, { exp: inSeconds(-600) }), '401 token_expired');
  });

  it('is refused where one of its channels is not granted for reading, or is no name', async () => {
    const target_ = '/sse?channel=chat&channel=other';
    assert.equal(await refused({ target: target_ }), '403 scope_denied');
    assert.equal(await refused({}, { mode: 'w' }), '403 scope_denied');
    for (const name of NO_NAMES) {
      const answer = await refused(
        { target: `/sse?channel=${encodeURIComponent(name)}` },
        { channels: ['*'] },
      );
      assert.equal(answer, '400 bad_message', name);
    }
  });

  it('is a GET', async () => {
    assert.equal(await refused({ method: 'POST' }), '405 method_not_allowed');
  });
});

// Alone, since it cuts off everybody.
describeOnAll(targets, 'a stream amid a break between gateway and PostgreSQL', (target) => {
  it('is told of it, and that messages may be missing', async (t) => {
    const channel = freshChannel();
    const stream = await open(t, target, [channel]);
    await stream.said('welcome');
    await target.query(CUT, [target.channel]);
    assert.deepEqual(await stream.said('status'), { type: 'status', database: 'down' });
    assert.deepEqual(await stream.said('status'), { type: 'status', database: 'up' });
    const gap = await stream.said('gap');
    assert.deepEqual([gap['channel'], gap['reason']], [channel, 'feed_lost']);
  });
});
