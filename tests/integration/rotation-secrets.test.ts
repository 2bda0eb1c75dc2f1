import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';

import { createSigningKeys } from '#gateway/auth/signing-keys.js';

import { startGateway } from '../support/gateway.ts';
import type { TestGateway } from '../support/gateway.ts';
import { JumpingClock } from '../support/jumping-clock.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import { PREAUTH_ENVIRONMENT } from '../support/preauth.ts';
import { gather } from '../support/rotation.ts';
import { enter, knock, said, tickets, told } from '../support/way-in.ts';
import { cookieOf, csrfOf, embedOf, framed } from '../support/ws-attacks.ts';

const scope = failOnLeaks();

const secrets = { old: randomBytes(32), next: randomBytes(32) } as const;
type Kid = keyof typeof secrets;

/** What is configured, step by step: the first signs, all verify. */
const STEPS: readonly (readonly Kid[])[] = [['old', 'next'], ['next', 'old'], ['next']];

const keysOf = (...kids: readonly Kid[]) =>
  createSigningKeys(kids.map((kid) => ({ kid, secret: secrets[kid] })));

/** Starts gateways with these secrets, on one database and by one clock. */
async function makeFactory() {
  const { url, channel } = await freshDatabase(scope);
  const clock = new JumpingClock();
  const start = (kids: readonly Kid[]): Promise<TestGateway> =>
    startGateway(scope, {
      databaseUrl: url,
      environment: {
        ...PREAUTH_ENVIRONMENT,
        POSTERN_DATABASE_CHANNEL: channel,
        POSTERN_SECRETS: kids.map((kid) => `${kid}:${secrets[kid].toString('base64')}`).join(','),
      },
      hooks: { clock },
    });
  return { clock, start };
}

describe('The secrets of tickets', () => {
  it('are replaced under load, on one gateway after the other: no page is refused', async (test) => {
    const { clock, start } = await makeFactory();
    const fleet = [await start(['old']), await start(['old'])];
    const portOf = (n: number): number => fleet[n % fleet.length]?.port ?? 0;

    let visits = 0;
    // The gateway that gives the tickets and the one that takes them: every pair comes in turn.
    const visit = async (): Promise<string> => {
      const [from, to] = [portOf(visits), portOf(visits >> 1)];
      visits += 1;
      try {
        const client = await enter(to, await tickets(from));
        const { type } = await said(client);
        await client.close();
        return String(type);
      } catch (error) {
        return String(error);
      }
    };
    const underWay = new Set<Promise<string>>();
    const crowd = gather(async () => {
      const one = visit();
      underWay.add(one);
      return one.finally(() => underWay.delete(one));
    });
    scope.after(() => crowd.leave().then(() => undefined));
    /** Waits until nobody is under way who was when it was asked for. */
    const anew = async (): Promise<void> => void (await Promise.all(underWay));
    // In steps that no ticket in somebody's hand is too old for.
    const aMinute = async (): Promise<void> => {
      for (let second = 0; second < 60; second += 5) {
        clock.pass(5_000);
        await anew();
      }
    };
    await anew();

    for (const kids of STEPS) {
      if (kids.length === 1) await aMinute();
      for (const n of fleet.keys()) {
        const held = await tickets(portOf(n + 1));
        const replaced = fleet.splice(n, 1, await start(kids));
        await anew();
        for (const { gateway } of replaced) await gateway.stop();
        for (const { port } of fleet) await (await enter(port, held)).close();
      }
    }
    const outcomes = await crowd.leave();
    test.diagnostic(`${outcomes.length} visits over ${STEPS.length} steps`);
    assert.deepEqual(new Set(outcomes), new Set(['welcome']));
  });

  it('open nothing any more once they are taken out, however fresh the ticket', async () => {
    const { start } = await makeFactory();
    const { port } = await start(['next']);
    const [old, next] = [keysOf('old'), keysOf('next')];
    const answers = {
      'a CSRF token': { csrf: csrfOf({ keys: old }), cookie: cookieOf({ keys: next }) },
      'a cookie': { csrf: csrfOf({ keys: next }), cookie: cookieOf({ keys: old }) },
      'an embed token': framed({ embed: embedOf({ keys: old }) }),
      neither: { csrf: csrfOf({ keys: next }), cookie: cookieOf({ keys: next }) },
    } as const;
    const found = Object.entries(answers).map(async ([name, brought]) => [
      name,
      told(await knock(port, brought)),
    ]);
    assert.deepEqual(Object.fromEntries(await Promise.all(found)), {
      'a CSRF token': '401 Unauthorized: csrf_invalid',
      'a cookie': '401 Unauthorized: cookie_invalid',
      'an embed token': '401 Unauthorized: embed_invalid',
      neither: '101',
    });
  });

  it('may differ between the CSRF token and the cookie of one login, and of one login only', async () => {
    const { start } = await makeFactory();
    const { port } = await start(['next', 'old']);
    for (const csrfKid of ['old', 'next'] as const)
      for (const cookieKid of ['old', 'next'] as const) {
        const csrf = csrfOf({ keys: keysOf(csrfKid) });
        const keys = keysOf(cookieKid);
        const name = `${csrfKid}, ${cookieKid}`;
        assert.equal(told(await knock(port, { csrf, cookie: cookieOf({ keys }) })), '101', name);
        const cookie = cookieOf({ keys, login: { sid: 'another' } });
        const answer = told(await knock(port, { csrf, cookie }));
        assert.equal(answer, '401 Binding mismatch: binding_mismatch', name);
      }
  });
});
