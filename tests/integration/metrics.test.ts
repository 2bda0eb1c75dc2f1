import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { Metric } from '#gateway/observe/metrics.js';
import { metrics } from '#gateway/observe/metrics.js';

import { handshake } from '../support/exchange.ts';
import { buildGate } from '../support/gate.ts';
import { failOnLeaksTogether, ownScope } from '../support/leaks.ts';
import { startMetered } from '../support/metered.ts';
import type { MeteredGateway } from '../support/metered.ts';
import { metricCauses } from '../support/metric-causes.ts';
import type { MetricCause } from '../support/metric-causes.ts';
import { freshDatabase } from '../support/postgres.ts';
import { enter } from '../support/rogue.ts';
import type { Scrape } from '../support/scrape.ts';
import { seriesOf } from '../support/scrape.ts';
import { inSeconds } from '../support/tokens.ts';
import { until } from '../support/wait.ts';

const CHAT = { mode: 'rw', channel: 'chat', exp: inSeconds(3_600) } as const;

failOnLeaksTogether();

/** Each has a gateway of its own, and some wait for seconds. */
const AT_A_TIME = 4;

/** Gauges of what waits: caused where a commit can be held up. */
const causedElsewhere = ['buildInfo', 'notifierMessages', 'notifierBytes'];

describe('Every row of the metric table', { concurrency: AT_A_TIME }, () => {
  it('is caused below', () => {
    const caused = [...Object.keys(metricCauses), ...causedElsewhere];
    assert.deepEqual(caused.toSorted(), Object.keys(metrics).toSorted());
  });

  for (const [key, { options, act }] of Object.entries<MetricCause>(metricCauses)) {
    const { name } = rowOf(key);
    it(`${name} tells what happens`, async (t) => {
      const scope = ownScope(t);
      const gateway = await startMetered(scope, options);
      const before = await gateway.scrape();
      assert.ok(seriesOfRow(before, name).size > 0, 'it is there from the start');
      await act(gateway, scope);
      await until(
        `another value of ${name}`,
        async () => !isSame(seriesOfRow(before, name), seriesOfRow(await gateway.scrape(), name)),
      );
    });
  }

  it('postern_notifier_messages and _bytes tell what waits for a commit', async (t) => {
    const scope = ownScope(t);
    const gate = await buildGate(scope, await freshDatabase(scope));
    const gateway = await startMetered(scope, { databaseUrl: gate.url });
    const client = await gateway.client(CHAT);
    await gate.shut();
    for (const text of ['one', 'two', 'three']) client.send(text);
    await gate.waiting();

    const waiting = await until('all of them', async () => {
      const scraped = await gateway.scrape();
      return scraped.get('postern_notifier_messages') === 3 ? scraped : undefined;
    });
    assert.ok((waiting.get('postern_notifier_bytes') ?? 0) > 3 * 'three'.length);
    await gate.open();
    await until(
      'none',
      async () => (await gateway.scrape()).get('postern_notifier_messages') === 0,
    );
    assert.equal((await gateway.scrape()).get('postern_notifier_bytes'), 0);
  });

  it('postern_build_info tells the versions of the program and of Node', async (t) => {
    const scope = ownScope(t);
    const { scrape } = await startMetered(scope);
    const [series, ...others] = [...seriesOf(await scrape(), 'postern_build_info')];
    assert.deepEqual(others, []);
    assert.match(series?.[0] ?? '', /^postern_build_info\{version="\d+\.\d+\.\d+",node="v\d+/);
    assert.equal(series?.[1], 1);
  });
});

describe('The metrics', { concurrency: AT_A_TIME }, () => {
  it('count what went in and out, to the message and the byte', async (t) => {
    const scope = ownScope(t);
    const gateway = await startMetered(scope);
    const clients = await Promise.all([1, 2, 3].map(() => gateway.client(CHAT)));
    const [sender] = clients;
    sender?.send('grüße');
    const texts = await Promise.all(clients.map((client) => client.message()));
    const frameBytes = Buffer.byteLength(texts[0] ?? '') + 4;

    // A message can be back before its commit is answered.
    const committed = 'postern_messages_published_total{outcome="committed"}';
    await until('the answer', async () => (await gateway.scrape()).get(committed) === 1);
    const scraped = await gateway.scrape();
    const expected = {
      postern_handshakes_accepted_total: 3,
      postern_sessions: 3,
      postern_channels: 1,
      postern_messages_received_total: 1,
      postern_message_bytes_received_total: 7,
      [committed]: 1,
      'postern_notifier_batch_messages_bucket{le="1"}': 1,
      postern_notifier_batch_messages_count: 1,
      postern_notifications_received_total: 1,
      postern_deliveries_total: 3,
      postern_delivered_bytes_total: 3 * frameBytes,
      postern_feed_up: 1,
      postern_draining: 0,
    };
    assert.deepEqual(pick(scraped, Object.keys(expected)), expected);
  });

  it('name the failure of each refusal and each end, and whose doing it was', async (t) => {
    const scope = ownScope(t);
    const gateway = await startMetered(scope);
    await handshake(gateway.port, { target: '/not-a-token' });
    await handshake(gateway.port, { target: '/a/b', method: 'POST' });
    await (await gateway.client(CHAT)).close(1000);
    const rogue = await enter(scope, gateway.port, CHAT);
    rogue.destroy();
    const short = await gateway.client({ ...CHAT, exp: Date.now() / 1000 + 0.5 });
    await short.closed();
    await until('all three ends', () => countOf(gateway, 'session_ended') === 3);

    const refused = changed(await gateway.scrape(), 'postern_handshakes_refused_total');
    assert.deepEqual(refused, {
      'postern_handshakes_refused_total{failure="tokenInvalid"}': 1,
      'postern_handshakes_refused_total{failure="methodNotAllowed"}': 1,
    });
    const ended = changed(await gateway.scrape(), 'postern_sessions_ended_total');
    assert.deepEqual(ended, {
      'postern_sessions_ended_total{by="gateway",failure="tokenExpired"}': 1,
      'postern_sessions_ended_total{by="client",failure="normal"}': 1,
      'postern_sessions_ended_total{by="client",failure="abnormal"}': 1,
    });
  });

  it('have no more series after clients did what they could to add some', async (t) => {
    const scope = ownScope(t);
    const gateway = await startMetered(scope);
    const before = await gateway.scrape();
    for (const code of [1000, 1001, 3001, 3777, 4000, 4777, 4999]) {
      const client = await gateway.client({
        ...CHAT,
        sub: `user-${code}`,
        channel: `room-${code}`,
      });
      await client.close(code);
    }
    for (const target of ['/', '/a', '/a/b', '/a/b/c', `/${'x'.repeat(100)}`])
      await handshake(gateway.port, { target, method: 'GET' });
    await handshake(gateway.port, { method: 'BREW' });

    const after = await gateway.scrape();
    assert.deepEqual([...own(after)].toSorted(), [...own(before)].toSorted());
    const other = 'postern_sessions_ended_total{by="client",failure="other"}';
    assert.equal(after.get(other), 4);
  });

  it('of two gateways in one process are each their own', async (t) => {
    const scope = ownScope(t);
    const [one, other] = await Promise.all([startMetered(scope), startMetered(scope)]);
    await one.client(CHAT);
    assert.equal((await one.scrape()).get('postern_sessions'), 1);
    assert.equal((await other.scrape()).get('postern_sessions'), 0);
    for (const { scrape } of [one, other])
      assert.ok(((await scrape()).get('process_resident_memory_bytes') ?? 0) > 0);
  });

  it('tell of the process, and of how late its event loop is', async (t) => {
    const scope = ownScope(t);
    const { scrape } = await startMetered(scope);
    const scraped = await scrape();
    for (const name of ['process_cpu_seconds_total', 'nodejs_eventloop_lag_p99_seconds'])
      assert.ok(scraped.has(name), name);
  });
});

function rowOf(key: string): Metric {
  const row = Object.entries<Metric>(metrics).find(([name]) => name === key)?.[1];
  assert.ok(row !== undefined, key);
  return row;
}

/** The series of a row; of a histogram, how many values it has. */
function seriesOfRow(scraped: Scrape, name: string): Scrape {
  return new Map([...seriesOf(scraped, name), ...seriesOf(scraped, `${name}_count`)]);
}

function isSame(one: Scrape, other: Scrape): boolean {
  return JSON.stringify([...one]) === JSON.stringify([...other]);
}

function pick(scraped: Scrape, names: readonly string[]) {
  return Object.fromEntries(names.map((name) => [name, scraped.get(name)]));
}

/** The series of a name that are not 0. */
function changed(scraped: Scrape, name: string) {
  return Object.fromEntries([...seriesOf(scraped, name)].filter(([, value]) => value !== 0));
}

/** The names of the series that are the gateway's own. */
function own(scraped: Scrape): readonly string[] {
  return [...scraped.keys()].filter((series) => series.startsWith('postern_'));
}

function countOf({ events }: MeteredGateway, name: string): number {
  return events.filter(({ event }) => event === name).length;
}
