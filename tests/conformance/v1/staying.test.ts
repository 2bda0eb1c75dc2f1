import assert from 'node:assert/strict';
import { it } from 'node:test';

import type { Scope } from '../../support/postgres.ts';
import { inSeconds, signToken } from '../../support/tokens.ts';
import { until } from '../../support/wait.ts';
import { describeOnAll } from '../suites.ts';
import type { Claims, Target } from '../targets.ts';
import { startV1Targets } from './targets.ts';
import { enter, freshChannel, tokenFor, verdict } from './v1-client.ts';
import type { V1Client } from './v1-client.ts';

/** A login, by all that tells whose it is. */
const LOGIN = { iss: 'https://site.test', sub: 'ada', sid: 'login-1' } as const;

/** Seconds until the end of a token that a scenario waits for: long enough to come in by. */
const SOON = 7;

const targets = await startV1Targets();

/** Shows another token, and returns the reply. */
async function show(client: V1Client, claims: Claims) {
  return await client.ask({ type: 'auth', token: await tokenFor({ ...LOGIN, ...claims }) });
}

/** Somebody whose token ends in so many seconds, subscribed to two channels. */
async function enterFor(seconds: number, t: Scope, target: Target) {
  const channels = [freshChannel(), freshChannel()] as const;
  const exp = inSeconds(seconds);
  const { client } = await enter(t, target, { ...LOGIN, channels, exp });
  for (const channel of channels) await client.ask({ type: 'subscribe', channel });
  return { client, channels, exp };
}

describeOnAll(targets, 'the end of a token', (target) => {
  it('is told ahead, at once where it is near, and then ends the connection: 3001', async (t) => {
    const { client, exp } = await enterFor(SOON, t, target);
    const { seconds } = await client.heard('expiring');
    assert.ok(Number(seconds) > 0 && Number(seconds) <= SOON, `${String(seconds)} s`);
    assert.deepEqual(await client.closed(30_000), { code: 3001, reason: 'JWT expired' });
    const lateBy = Date.now() / 1000 - exp;
    assert.ok(lateBy > -1 && lateBy < 3, `${lateBy} s late`);
  });

  it('is the end of what is delivered, whoever goes on sending', async (t) => {
    const { client, channels, exp } = await enterFor(SOON, t, target);
    const { client: sender } = await enter(t, target, { channels: [channels[0]], sub: 'bo' });
    for (let at = Date.now() / 1000; at < exp + 1; at += 0.1) {
      await moment(at);
      await sender.ask({ type: 'publish', channel: channels[0], payload: Date.now() / 1000 });
    }
    await client.closed();
    const told = client.all.filter(({ type }) => type === 'message');
    assert.ok(told.length > 5);
    const late = told.filter(({ payload }) => Number(payload) > exp);
    assert.deepEqual(late, []);
  });

  it('is not the session’s where another token was shown in time', async (t) => {
    const { client, channels, exp } = await enterFor(SOON, t, target);
    const later = inSeconds(600);
    const reply = await show(client, { channels, exp: later });
    assert.equal(verdict(reply), 'ok');
    assert.ok(Number(reply['expiresAt']) >= later && Number(reply['expiresAt']) < later + 120);
    assert.deepEqual(reply['channels'], Object.fromEntries(channels.map((name) => [name, 'rw'])));
    await moment(exp + 1.5);
    const [channel] = channels;
    assert.equal(verdict(await client.ask({ type: 'publish', channel, payload: 1 })), 'ok');
    assert.deepEqual(await client.payloads(1), [1]);
  });

  it('is far for one that ends in an hour: nobody is warned', async (t) => {
    const { client } = await enter(t, target, { channels: ['chat'] });
    await client.ask({ type: 'ping' });
    assert.equal(
      client.all.some(({ type }) => type === 'expiring'),
      false,
    );
  });
});

describeOnAll(targets, 'another token', (target) => {
  it('that grants less ends subscriptions: the client is told, and hears no more', async (t) => {
    const { client, channels } = await enterFor(120, t, target);
    const [kept, lost] = channels;
    await show(client, { channels: [kept] });
    const told = await client.heard('unsubscribed');
    assert.deepEqual([told['channel'], told['code']], [lost, 'scope_denied']);

    const { client: sender } = await enter(t, target, { channels, sub: 'bo' });
    for (const channel of [lost, kept])
      await sender.ask({ type: 'publish', channel, payload: channel });
    assert.deepEqual(await client.payloads(1), [kept]);
    assert.equal(
      verdict(await client.ask({ type: 'publish', channel: lost, payload: 1 })),
      'error scope_denied',
    );
  });

  it('grants nothing more than the one before', async (t) => {
    const { client, channels } = await enterFor(120, t, target);
    const reply = await show(client, { channels: [...channels, 'more'] });
    assert.deepEqual(Object.keys(Object(reply['channels'])), channels);
  });

  it('that does not hold changes nothing', async (t) => {
    const bad: readonly (readonly [Promise<string>, string])[] = [
      [signToken({ ...LOGIN, channels: ['chat'] }, { key: 'x'.repeat(32) }), 'token_invalid'],
      [tokenFor({ ...LOGIN, channels: ['chat'], exp: inSeconds(-600) }), 'token_expired'],
      [tokenFor({ ...LOGIN, channels: ['chat'], nbf: inSeconds(600) }), 'token_not_active'],
      [tokenFor({ ...LOGIN, channels: ['chat'], exp: inSeconds(60) }), 'token_expired'],
      [tokenFor({ ...LOGIN, channels: ['another'] }), 'scope_denied'],
    ];
    for (const [token, code] of bad) {
      const { client } = await enter(t, target, {
        ...LOGIN,
        channels: ['chat'],
        exp: inSeconds(120),
      });
      const reply = await client.ask({ type: 'auth', token: await token });
      assert.equal(verdict(reply), `error ${code}`);
      assert.equal(verdict(await client.ask({ type: 'ping' })), 'pong');
    }
  });

  it('of somebody else, or of another login, ends the connection: 4501', async (t) => {
    for (const claims of [{ sub: 'bo' }, { sid: 'login-2' }, { iss: 'https://other.test' }]) {
      const { client } = await enter(t, target, {
        ...LOGIN,
        channels: ['chat'],
        exp: inSeconds(120),
      });
      const token = await tokenFor({ ...LOGIN, channels: ['chat'], ...claims });
      client.say({ type: 'auth', token });
      assert.deepEqual(await client.closed(), { code: 4501, reason: 'Identity changed' });
    }
  });

  it('is taken one at a time, and no two within 10 seconds', async (t) => {
    const { client, channels } = await enterFor(120, t, target);
    assert.equal(verdict(await show(client, { channels })), 'ok');
    const reply = await show(client, { channels, exp: inSeconds(7_200) });
    assert.deepEqual([verdict(reply), reply['retry']], ['error rate_limited', 'yes']);
  });
});

/** Waits for a moment, in UNIX seconds. */
async function moment(seconds: number): Promise<void> {
  await until('a moment of the clock', () => Date.now() / 1000 >= seconds, 15_000);
}
