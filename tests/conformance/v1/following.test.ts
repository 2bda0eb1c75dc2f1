import assert from 'node:assert/strict';
import { it } from 'node:test';

import type { Scope } from '../../support/postgres.ts';
import { until } from '../../support/wait.ts';
import { CUT } from '../cut.ts';
import { LeftOut } from '../left-out.ts';
import { describeOnAll } from '../suites.ts';
import type { Target } from '../targets.ts';
import type { Said } from './grammar.ts';
import { startV1Targets } from './targets.ts';
import { enter, enterSubscribed, freshChannel, NO_NAMES, verdict } from './v1-client.ts';
import type { V1Client } from './v1-client.ts';

/** More than a limit on subscriptions lets through that is worth the name. */
const MOST_SUBSCRIPTIONS = 300;

const targets = await startV1Targets();

const subscribe = (channel: string) => ({ type: 'subscribe', channel });

/** Publishes one after the other. */
async function publish(client: V1Client, channel: string, payloads: readonly unknown[]) {
  for (const payload of payloads)
    assert.equal(verdict(await client.ask({ type: 'publish', channel, payload })), 'ok');
}

/** Publishes, and waits until it has come by: whoever subscribes after that has missed it. */
async function publishPast(t: Scope, target: Target, channel: string, payload: unknown) {
  const { client } = await enter(t, target, { channels: [channel] });
  await client.ask(subscribe(channel));
  await publish(client, channel, [payload]);
  assert.deepEqual(await client.payloads(1), [payload]);
}

describeOnAll(targets, 'a subscription', (target) => {
  it('is answered by ok and a cursor; what is not subscribed to is not heard', async (t) => {
    const [one, other] = [freshChannel(), freshChannel()];
    const { client } = await enter(t, target, { channels: [one, other] });
    await publishPast(t, target, one, 'before');
    const { type, cursor } = await client.ask(subscribe(one));
    assert.deepEqual([type, typeof cursor], ['ok', 'string']);
    await publish(client, other, ['elsewhere']);
    await publish(client, one, ['hello']);
    assert.deepEqual(await client.payloads(1), ['hello']);
  });

  it('made twice brings each message once', async (t) => {
    const { client, channel } = await enterSubscribed(t, target);
    assert.equal(verdict(await client.ask(subscribe(channel))), 'ok');
    await publish(client, channel, [1, 2]);
    assert.deepEqual(await client.payloads(2), [1, 2]);
  });

  it('ends when it is asked to, once or twice, and can be made anew', async (t) => {
    const { client, channel } = await enterSubscribed(t, target);
    for (let n = 0; n < 2; n += 1)
      assert.equal(verdict(await client.ask({ type: 'unsubscribe', channel })), 'ok');
    await publishPast(t, target, channel, 'unheard');
    await client.ask(subscribe(channel));
    await publish(client, channel, ['heard']);
    assert.deepEqual(await client.payloads(1), ['heard']);
  });

  it('is refused to a channel that is not granted for reading', async (t) => {
    const channels = { news: 'r', log: 'w', 'room:*': 'r' };
    const { client } = await enter(t, target, { channels, mode: undefined });
    const verdicts = { news: 'ok', 'room:1': 'ok', log: DENIED, more: DENIED, 'room:': DENIED };
    for (const [channel, expected] of Object.entries(verdicts))
      assert.equal(verdict(await client.ask(subscribe(channel))), expected, channel);
  });

  it('is refused to what can be no name', async (t) => {
    const { client } = await enter(t, target, { channels: ['*'] });
    for (const name of NO_NAMES)
      assert.equal(verdict(await client.ask(subscribe(name))), 'error bad_message', name);
  });

  it('is one of so many, and one that ends makes room', async (t) => {
    const prefix = freshChannel();
    const { client } = await enter(t, target, { channels: [`${prefix}:*`] });
    const most = await fill(client, prefix);
    for (const n of [0, most - 1])
      assert.equal(verdict(await patiently(client, subscribe(`${prefix}:${n}`))), 'ok', `${n}`);
    await patiently(client, { type: 'unsubscribe', channel: `${prefix}:0` });
    assert.equal(verdict(await patiently(client, subscribe(`${prefix}:more`))), 'ok');
  });
});

const DENIED = 'error scope_denied';

/** Says a command until it is taken: there may be a limit on those, too. */
function patiently(client: V1Client, command: Said): Promise<Said> {
  return until('the turn of a command', async () => {
    const reply = await client.ask(command);
    return verdict(reply) !== 'error rate_limited' && reply;
  });
}

/** Subscribes until that is refused, and returns how many subscriptions there are. */
async function fill(client: V1Client, prefix: string): Promise<number> {
  for (let n = 0; n < MOST_SUBSCRIPTIONS; n += 1) {
    const reply = await patiently(client, subscribe(`${prefix}:${n}`));
    if (verdict(reply) === 'error subscription_limit') return n;
    assert.equal(verdict(reply), 'ok', `subscription ${n + 1}`);
  }
  throw new LeftOut(`a limit on subscriptions below ${MOST_SUBSCRIPTIONS}`);
}

/** Comes anew, and subscribes from a cursor on. */
async function comeBack(t: Scope, target: Target, channel: string, from: unknown) {
  const { client } = await enter(t, target, { channels: [channel] });
  return { client, reply: await client.ask({ ...subscribe(channel), from }) };
}

describeOnAll(targets, 'a client that comes back', (target) => {
  it('with the cursor of what it heard last gets what it missed, then what is new', async (t) => {
    const { client, channel } = await enterSubscribed(t, target);
    await publish(client, channel, [1, 2]);
    await client.payloads(1);
    const { cursor } = await client.heard('message');
    await client.socket.close();

    const { client: other } = await enter(t, target, { channels: [channel, 'more'] });
    for (const payload of [3, 4]) {
      await publish(other, 'more', ['elsewhere']);
      await publish(other, channel, [payload]);
    }
    const back = await comeBack(t, target, channel, cursor);
    assert.deepEqual([back.reply['recovered'], back.reply['cursor']], [true, cursor]);
    await publish(other, channel, [5]);
    assert.deepEqual(await back.client.payloads(3), [3, 4, 5]);
    const types = back.client.all.slice(0, 3).map(({ type }) => type);
    assert.deepEqual(types, ['welcome', 'ok', 'message']);
  });

  it('with the cursor of its subscription gets all that came since', async (t) => {
    const channel = freshChannel();
    const { client } = await enter(t, target, { channels: [channel] });
    const { cursor } = await client.ask(subscribe(channel));
    await client.ask({ type: 'unsubscribe', channel });
    await publish(client, channel, [1, 2, 3]);
    const back = await comeBack(t, target, channel, cursor);
    assert.equal(back.reply['recovered'], true);
    assert.deepEqual(await back.client.payloads(3), [1, 2, 3]);
  });

  it('and missed nothing gets nothing but what is new', async (t) => {
    const { client, channel } = await enterSubscribed(t, target);
    await publish(client, channel, [1]);
    const { cursor } = await client.heard('message');
    const back = await comeBack(t, target, channel, cursor);
    assert.equal(back.reply['recovered'], true);
    await publish(client, channel, [2]);
    assert.deepEqual(await back.client.payloads(1), [2]);
  });

  it('may show the cursor of another channel: there is one order for all', async (t) => {
    const { client, channel } = await enterSubscribed(t, target);
    const { client: other, channel: more } = await enterSubscribed(t, target);
    await publish(other, more, ['unheard']);
    await publish(client, channel, ['place']);
    const { cursor } = await client.heard('message');
    await publish(other, more, ['heard']);
    const back = await comeBack(t, target, more, cursor);
    assert.equal(back.reply['recovered'], true);
    assert.deepEqual(await back.client.payloads(1), ['heard']);
  });

  it('begins anew there on the connection that it has', async (t) => {
    const { client, channel } = await enterSubscribed(t, target);
    await publish(client, channel, [1, 2, 3]);
    const { cursor } = await client.heard('message');
    await client.payloads(2);
    await client.ask({ ...subscribe(channel), from: cursor });
    await publish(client, channel, [4]);
    assert.deepEqual(await client.payloads(3), [2, 3, 4]);
  });

  it('gets much, and all of it, in order', async (t) => {
    const { client, channel } = await enterSubscribed(t, target);
    const { cursor } = await client.ask(subscribe(channel));
    const long = Array.from({ length: 60 }, (_, n) => `${n} ${'x'.repeat(6_000)}`);
    await publish(client, channel, long);
    const back = await comeBack(t, target, channel, cursor);
    assert.deepEqual(await back.client.payloads(long.length), long);
  });

  it('with a cursor that nobody knows is told so by a gap, and goes on from there', async (t) => {
    const { client, channel } = await enterSubscribed(t, target);
    await publish(client, channel, ['missed']);
    const { cursor: known } = await client.heard('message');
    for (const from of [
      '0',
      'x',
      '-',
      'ö',
      ' ',
      'x'.repeat(1_000),
      `${known}00000000`,
      `x${known}`,
    ]) {
      const back = await comeBack(t, target, channel, from);
      assert.deepEqual([verdict(back.reply), back.reply['recovered']], ['ok', false], from);
      const gap = await back.client.heard();
      assert.deepEqual([gap['type'], gap['channel'], gap['reason']], ['gap', channel, UNKNOWN]);
      const further = await comeBack(t, target, channel, gap['cursor']);
      assert.equal(further.reply['recovered'], true);
      await publish(client, channel, [from]);
      assert.deepEqual(await back.client.payloads(1), [from]);
      assert.deepEqual(await further.client.payloads(1), [from]);
    }
  });

  it('again and again, while others go on, hears each message once and in order', async (t) => {
    const channel = freshChannel();
    const senders = await Promise.all(
      SENDERS.map(async (sub) => (await enter(t, target, { channels: [channel], sub })).client),
    );
    let back = await comeBack(t, target, channel, undefined);
    let cursor = back.reply['cursor'];
    const heard: unknown[] = [];
    const hear = async (): Promise<void> => {
      const message = await back.client.heard('message');
      cursor = message['cursor'];
      heard.push(message['payload']);
    };
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [index, sender] of senders.entries())
        for (let n = 0; n < IN_A_ROUND; n += 1)
          sender.say({ type: 'publish', channel, payload: [index, round * IN_A_ROUND + n] });
      for (let n = 0; n < IN_A_ROUND; n += 1) await hear();
      back.client.socket.terminate();
      back = await comeBack(t, target, channel, cursor);
      assert.equal(back.reply['recovered'], true);
    }
    while (heard.length < SENDERS.length * ROUNDS * IN_A_ROUND) await hear();
    for (const index of senders.keys()) {
      const numbers = heard.flatMap((one) => (Object(one)[0] === index ? [Object(one)[1]] : []));
      assert.deepEqual(
        numbers,
        Array.from({ length: ROUNDS * IN_A_ROUND }, (_, n) => n),
      );
    }
  });
});

const UNKNOWN = 'unknown_cursor';
const SENDERS = ['ann', 'bob', 'cid'] as const;
const ROUNDS = 6;
const IN_A_ROUND = 12;

// Alone, since it cuts off everybody.
describeOnAll(targets, 'a break between gateway and PostgreSQL', (target) => {
  it('is told, and that messages may be missing; no cursor of before is known', async (t) => {
    const { client, channel } = await enterSubscribed(t, target);
    await publish(client, channel, ['before']);
    const { cursor: before } = await client.heard('message');
    await target.query(CUT, [target.channel]);
    const told: Said[] = [];
    for (let n = 0; n < 3; n += 1) told.push(await client.heard());
    const [down, up, gap] = told;
    assert.deepEqual(
      [down, up],
      [
        { type: 'status', database: 'down' },
        { type: 'status', database: 'up' },
      ],
    );
    assert.deepEqual(
      [gap?.['type'], gap?.['channel'], gap?.['reason']],
      ['gap', channel, 'feed_lost'],
    );

    await publish(client, channel, ['after']);
    assert.deepEqual(await client.payloads(1), ['after']);
    const late = await comeBack(t, target, channel, before);
    assert.equal(late.reply['recovered'], false);
    assert.equal((await late.client.heard('gap'))['reason'], UNKNOWN);
    const further = await comeBack(t, target, channel, gap?.['cursor']);
    assert.equal(further.reply['recovered'], true);
    assert.deepEqual(await further.client.payloads(1), ['after']);
  });
});
