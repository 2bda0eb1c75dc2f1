import assert from 'node:assert/strict';

import { killListener } from './failure-causes.ts';
import { startGateway } from './gateway.ts';
import type { TestGateway } from './gateway.ts';
import { JumpingClock } from './jumping-clock.ts';
import { freshDatabase } from './postgres.ts';
import type { Scope } from './postgres.ts';
import { startSite } from './site.ts';
import { signToken } from './tokens.ts';
import { until } from './wait.ts';

/** What a client on the raw protocol has met with so far. */
export interface Experience {
  readonly payloads: readonly unknown[];
  /** The codes of its closes. */
  readonly closes: readonly number[];
}

/** A client that comes back by itself: it says `hello` first, and `away` whenever it was closed. */
export interface ComingBack {
  experience(): Experience | Promise<Experience>;
}

/** Where a client is to run. */
export interface Ground {
  /** Answers with an address and a token in it, each time it is asked. */
  readonly site: string;
  /** A page of the gateway's. */
  readonly page: string;
}

/**
 * Refuses a client, lets its token end, loses what the gateway listens by, starts the gateway anew, and at
 * last revokes its user: until then it has to come back and to go on. Returns what it met with.
 */
export async function putThrough(
  scope: Scope,
  start: (ground: Ground) => Promise<ComingBack>,
): Promise<Experience> {
  const clock = new JumpingClock();
  const { url: databaseUrl, channel, query } = await freshDatabase(scope, { hasSchema: true });
  const startOn = (port: number): Promise<TestGateway> =>
    startGateway(scope, {
      databaseUrl,
      hooks: { clock },
      environment: { POSTERN_DATABASE_CHANNEL: channel, POSTERN_PORT: String(port) },
    });
  const gateway = await startOn(0);
  const site = await startSite(scope, async (asked) => {
    const exp = clock.inSeconds(asked < 3 ? 60 : 600);
    const claims = { mode: 'rw', channel: asked === 1 ? 'another' : 'chat', sub: 'ada' };
    return `${gateway.wsUrl}/chat/${await signToken({ ...claims, iat: 1, exp })}`;
  });
  const client = await start({ site: site.url, page: `${gateway.httpUrl}/healthz` });
  const heard = (what: string, times = 1): Promise<unknown> =>
    until(`${what} ${times}`, async () => {
      const { payloads } = await client.experience();
      return payloads.filter((one) => one === what).length >= times;
    });
  const publish = (payload: string): Promise<unknown> =>
    query('SELECT pg_notify($1, $2)', [channel, JSON.stringify({ channel: 'chat', payload })]);

  await heard('hello');
  clock.pass(60_000);
  await heard('away');
  await publish('with another token');
  await heard('with another token');

  await killListener(query);
  await gateway.logged('listener_restored');
  await publish('after the loss');
  await heard('after the loss');
  const sessions = gateway.events.filter(({ event }) => event === 'session_started');
  assert.equal(sessions.length, 2);

  await gateway.gateway.stop();
  const next = await startOn(gateway.port);
  await heard('away', 2);
  await publish('after the restart');
  await heard('after the restart');

  await query(`SELECT postern.revoke(sub => 'ada')`);
  await next.logged('session_ended');
  return until('the close', async () => {
    const now = await client.experience();
    return now.closes.includes(4500) && now;
  });
}

/** Fails unless it heard everything once, in order, and was closed as often as it should have been. */
export function assertUnbroken({ payloads, closes }: Experience): void {
  assert.deepEqual(payloads, [
    'hello',
    'away',
    'with another token',
    'after the loss',
    'away',
    'after the restart',
  ]);
  // How often it knocks in vain meanwhile depends on how long the gateway takes.
  const [refused, expired, drained, ...rest] = closes;
  assert.deepEqual([refused, expired, drained, rest.at(-1)], [1000, 3001, 1001, 4500]);
  assert.ok(
    rest.slice(0, -1).every((code) => code === 1000),
    closes.join(' '),
  );
}
