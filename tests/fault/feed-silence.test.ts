import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { recordFeed } from '../support/feed-parts.ts';
import { buildGate } from '../support/gate.ts';
import { ownServer } from '../support/own-server.ts';
import { connect } from '../support/postgres.ts';
import type { Query, Scope } from '../support/postgres.ts';
import { behindPooler } from '../support/pooler.ts';
import { tcpProxy, urlThrough } from '../support/tcp-proxy.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';
import { inTime, until } from '../support/wait.ts';

const CHECK_SECONDS = 1;
/** What is promised: the seconds between two checks, and five more. */
const NOTICE_MS = (CHECK_SECONDS + 5) * 1_000;
const RETURN_MS = 10_000;

const server = await ownServer({ after });

interface Place {
  readonly url: string;
  readonly channel: string;
  readonly query: Query;
}

/** Databases, one for each test: made beforehand, since a backend that is stopped holds up their making. */
const places = await Promise.all(
  Array.from({ length: 7 }, (_, index) => makePlace(`place${index}`)),
);

async function makePlace(name: string): Promise<Place> {
  await server.query(`CREATE DATABASE ${name}`);
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  const { query, close } = connect(url.href);
  after(close);
  return { url: url.href, channel: `listener-${name}`, query };
}

function takePlace(): Place {
  return places.pop() ?? assert.fail('a place for each test');
}

/** Nothing passes, in either direction, and no connection is closed. */
const STALLED = { up: 'stall', down: 'stall' } as const;
const PASSING = { up: 'pass', down: 'pass' } as const;

/** A proxy before the server. Released, stalled connections stay as they are: new ones pass. */
async function proxied(scope: Scope): Promise<Place & { readonly proxy: TcpProxy }> {
  const place = takePlace();
  const proxy = await tcpProxy(scope, { port: Number(new URL(server.url).port) });
  return { ...place, proxy, url: urlThrough(proxy, place.url) };
}

describe('A feed whose connection stays open', { concurrency: true }, () => {
  it('notices a LISTEN backend that is stopped, and replaces it', async (t) => {
    const place = takePlace();
    const { feed, state, heard } = recordFeed(t, { ...place, checkSeconds: CHECK_SECONDS });
    await feed.start();
    const stopped = await server.listenBackendPid(place.channel);
    server.pause(stopped);
    t.after(() => Promise.resolve(server.resume(stopped)));

    assert.equal(await state(1, NOTICE_MS), 'down: nonce unheard');
    assert.equal(await state(2, RETURN_MS), 'up');
    await place.query('SELECT pg_notify($1, $2)', [place.channel, 'hello']);
    assert.deepEqual(await heard(1), ['hello']);

    // The old backend, let go, must find its connection closed and bring nothing twice.
    server.resume(stopped);
    await until('the end of the old backend', async () => {
      const rows = await server.query('SELECT 1 FROM pg_stat_activity WHERE pid = $1', [stopped]);
      return rows.length === 0;
    });
    assert.deepEqual(await heard(1), ['hello']);
  });

  it('is not taken in by a pool that is stopped: the nonce takes the other way', async (t) => {
    const place = takePlace();
    const { feed, lines, states } = recordFeed(t, { ...place, checkSeconds: 0.5, poolSize: 1 });
    await feed.start();
    const [pooled] = await place.query(
      `SELECT pid FROM pg_stat_activity WHERE datname = current_database()
         AND application_name = 'postern' AND query LIKE '%pg_notify%'`,
    );
    const pid = Number(pooled?.['pid']);
    server.pause(pid);
    t.after(() => Promise.resolve(server.resume(pid)));

    const detour = await until('a check by the other way', () => lines[0], 5_000);
    assert.deepEqual(detour, { event: 'listener_check_failed', fields: { reason: 'no answer' } });
    // By then the pool has given its connection up and has another one, without any doing of ours.
    await until(
      'a check by a new connection of the pool',
      async () => {
        const rows = await place.query(
          `SELECT 1 FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'postern' AND query LIKE '%pg_notify%' AND pid <> $1
         AND pid NOT IN (SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%')`,
          [pid],
        );
        return rows.length > 0;
      },
      15_000,
    );
    assert.deepEqual(states, ['up']);
  });

  it('is not taken in by the nonces of other gateways', async (t) => {
    const place = takePlace();
    const gate = await buildGate(t, place);
    const { url } = gate;
    const { feed, states } = recordFeed(t, { ...place, url, checkSeconds: CHECK_SECONDS });
    await feed.start();
    await gate.shut();
    await until(
      'the loss',
      async () => {
        await place.query(`SELECT pg_notify('postern.private', 'of another gateway')`);
        return states[1] === 'down: nonce unsent';
      },
      NOTICE_MS,
    );
    await gate.open();
  });

  it('notices a network that swallows everything, and comes back when it no longer does', async (t) => {
    const { proxy, ...place } = await proxied(t);
    const { feed, state, heard } = recordFeed(t, { ...place, checkSeconds: CHECK_SECONDS });
    await feed.start();
    proxy.set(STALLED);
    assert.equal(await state(1, NOTICE_MS), 'down: nonce unsent');

    proxy.setNew(PASSING);
    assert.equal(await state(2, RETURN_MS + 5_000), 'up');
    await place.query('SELECT pg_notify($1, $2)', [place.channel, 'hello']);
    assert.deepEqual(await heard(1), ['hello']);
  });

  it('ends at the start, with the mend, behind a pooler in transaction mode', async (t) => {
    const place = takePlace();
    const url = await behindPooler(t, place.url);
    const { feed, states } = recordFeed(t, { ...place, url, retries: 0 });
    await assert.rejects(inTime('the end', feed.start(), 10_000), (error: Error) => {
      assert.match(error.message, /pooler in transaction mode.*session mode/);
      return error.name === 'GatewayError';
    });
    assert.deepEqual(states, []);
  });

  it('tells a backend that is stopped at the start from a pooler, and tries again', async (t) => {
    const { proxy, url } = await proxied(t);
    proxy.set(STALLED);
    const { feed, lines } = recordFeed(t, { ...server, url, retries: 0 });
    const started = feed.start();
    const retry = await until('an attempt', () => lines[0], 10_000);
    assert.equal(retry.event, 'database_retry');

    proxy.setNew(PASSING);
    await inTime('the first LISTEN', started, RETURN_MS);
  });

  it('can be stopped at once while nothing answers', async (t) => {
    const { proxy, ...place } = await proxied(t);
    const { feed, states } = recordFeed(t, { ...place, checkSeconds: 0.1 });
    await feed.start();
    proxy.set(STALLED);
    await inTime('the stop', feed.stop(), 2_000);
    assert.deepEqual(states, ['up']);
  });
});
