import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RecordedFeed } from '../support/feed-parts.ts';
import { recordFeed } from '../support/feed-parts.ts';
import type { OwnServer } from '../support/own-server.ts';
import { ownServer } from '../support/own-server.ts';
import { inTime, until } from '../support/wait.ts';

/** Connecting is tried again after 5 s at the latest, and a server takes a moment to start. */
const RETURN_MS = 10_000;

async function assertHears({ heard, texts }: RecordedFeed, { query, channel }: OwnServer) {
  const count = texts.length + 1;
  await query('SELECT pg_notify($1, $2)', [channel, `text ${count}`]);
  assert.equal((await heard(count)).at(-1), `text ${count}`);
}

/** Each has a server of its own, which takes two processors a second to start. */
const AT_A_TIME = 3;

describe('A feed whose backend', () => {
  it('is terminated comes back by itself, though it never checks', async (t) => {
    const server = await ownServer(t);
    const recorded = recordFeed(t, server);
    await recorded.feed.start();

    for (let round = 0; round < 3; round++) {
      const pid = await server.listenBackendPid(server.channel);
      await server.query('SELECT pg_terminate_backend($1)', [pid]);
      assert.equal(await recorded.state(2 * round + 1), 'down: 57P01');
      assert.equal(await recorded.state(2 * round + 2), 'up');
      assert.ok(recorded.feed.up);
      await assertHears(recorded, server);
    }
    const events = recorded.lines.map(({ event }) => event);
    assert.deepEqual(
      events.filter((event) => event.startsWith('listener')),
      [0, 1, 2].flatMap(() => ['listener_lost', 'listener_restored']),
    );
  });

  it('is terminated ends for good when that is how it is set', async (t) => {
    const server = await ownServer(t);
    const { feed, state, states } = recordFeed(t, { ...server, onLoss: 'exit' });
    await feed.start();
    const pid = await server.listenBackendPid(server.channel);
    await server.query('SELECT pg_terminate_backend($1)', [pid]);

    assert.equal(await state(1), 'down: 57P01');
    assert.match(await state(2), /^lost: .*57P01.*POSTERN_ON_LISTENER_LOSS/);
    assert.ok(!feed.up);
    await inTime('the stop', feed.stop());
    assert.equal(states.length, 3);
  });
});

describe('A feed whose server', { concurrency: AT_A_TIME }, () => {
  it('restarts comes back', async (t) => {
    const server = await ownServer(t);
    const recorded = recordFeed(t, server);
    await recorded.feed.start();

    await server.restart();
    assert.match(await recorded.state(1), /^down: /);
    assert.equal(await recorded.state(2, RETURN_MS), 'up');
    await assertHears(recorded, server);
  });

  it('is killed and stays away for a while says so once, keeps trying and comes back', async (t) => {
    const server = await ownServer(t);
    const recorded = recordFeed(t, server);
    await recorded.feed.start();

    await server.kill9();
    assert.match(await recorded.state(1), /^down: /);
    const retries = (): number =>
      recorded.lines.filter(({ event }) => event === 'database_retry').length;
    await until('four attempts', () => retries() >= 4, 20_000);
    assert.equal(recorded.states.length, 2);
    assert.ok(!recorded.feed.up);

    await server.start();
    assert.equal(await recorded.state(2, RETURN_MS), 'up');
    await assertHears(recorded, server);
  });

  it('is absent at the start is waited for, when that is how it is set', async (t) => {
    const server = await ownServer(t);
    await server.stop();
    const recorded = recordFeed(t, { ...server, retries: 0 });
    const started = recorded.feed.start();
    const retry = await until('an attempt', () => recorded.lines[0]);
    assert.equal(retry.event, 'database_retry');
    assert.equal(retry.fields['reason'], 'ECONNREFUSED');
    assert.ok(!recorded.feed.up);

    await server.start();
    await inTime('the first LISTEN', started, RETURN_MS);
    assert.deepEqual(recorded.states, ['up']);
    await assertHears(recorded, server);
  });

  it('is absent at the start is given up after as many attempts as were asked for', async (t) => {
    const server = await ownServer(t);
    await server.stop();
    const { feed, lines } = recordFeed(t, { ...server, retries: 3 });
    await assert.rejects(inTime('the end', feed.start()), (error: Error) => {
      assert.match(error.message, /3 times \(ECONNREFUSED\).*POSTERN_DATABASE_URL/);
      assert.ok(error.cause instanceof Error);
      return error.name === 'GatewayError';
    });
    assert.equal(lines.length, 2);
  });

  it('is absent at the start can be given up by a stop', async (t) => {
    const server = await ownServer(t);
    await server.stop();
    const { feed, lines, states } = recordFeed(t, { ...server, retries: 0 });
    const started = assert.rejects(feed.start(), { name: 'AbortError' });
    // After the third attempt there is at least a second to wait.
    await until('three attempts', () => lines.length === 3);
    await inTime('the stop', feed.stop(), 500);
    await inTime('the end of the start', started, 500);
    assert.deepEqual(states, []);
  });

  it('is absent can be given up by a stop while it is waited for again', async (t) => {
    const server = await ownServer(t);
    const { feed, lines, state, states } = recordFeed(t, server);
    await feed.start();
    await server.stop();
    await state(1);
    await until('three attempts', () => lines.at(-1)?.fields['attempt'] === 3);
    await inTime('the stop', feed.stop(), 500);
    assert.equal(states.length, 2);
  });
});
