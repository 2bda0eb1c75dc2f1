import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { expose } from '#gateway/observe/exposition.js';
import { Meters } from '#gateway/observe/meters.js';

const build = { version: '1.2.3', node: 'v20.0.0' };

/** The lines of a metric, without what is said of it. */
async function linesOf(meters: Meters, name: string): Promise<readonly string[]> {
  const lines = (await expose(meters).text()).split('\n');
  return lines.filter((line) => line.startsWith(name));
}

describe('Meters', () => {
  it('have every series from the start, with 0', async () => {
    const lines = await linesOf(new Meters(build), 'postern_messages_published_total');
    assert.deepEqual(lines, [
      'postern_messages_published_total{outcome="committed"} 0',
      'postern_messages_published_total{outcome="duplicate"} 0',
      'postern_messages_published_total{outcome="unknown"} 0',
      'postern_messages_published_total{outcome="rejected"} 0',
      'postern_messages_published_total{outcome="overflow"} 0',
      'postern_messages_published_total{outcome="no_keys"} 0',
      'postern_messages_published_total{outcome="too_big"} 0',
    ]);
  });

  it('hand out one and the same count for one series', async () => {
    const meters = new Meters(build);
    const by = { by: 'client', failure: 'normal' } as const;
    meters.counter('sessionsEnded', by).add();
    meters.counter('sessionsEnded', by).add(2);
    meters.counter('sessionsEnded', { by: 'gateway', failure: 'normal' }).add(5);
    meters.counter('deliveries').add(1_000);

    assert.equal(meters.counter('sessionsEnded', by), meters.counter('sessionsEnded', by));
    const ended = await linesOf(meters, 'postern_sessions_ended_total');
    assert.ok(ended.includes('postern_sessions_ended_total{by="client",failure="normal"} 3'));
    assert.ok(ended.includes('postern_sessions_ended_total{by="gateway",failure="normal"} 5'));
    assert.deepEqual(await linesOf(meters, 'postern_deliveries'), [
      'postern_deliveries_total 1000',
    ]);
  });

  it('have no series that is not in the table', () => {
    const meters = new Meters(build);
    // @ts-expect-error -- what types would not let through must not come through either
    assert.throws(() => meters.counter('sessionsEnded', { by: 'nobody', failure: 'normal' }));
    // @ts-expect-error -- the same
    assert.throws(() => meters.counter('nothing'));
    // @ts-expect-error -- the same
    assert.throws(() => meters.histogram('deliveries'));
  });

  it('read gauges when they are asked, and then only', async () => {
    const meters = new Meters(build);
    assert.deepEqual(await linesOf(meters, 'postern_sessions '), ['postern_sessions 0']);
    let reads = 0;
    meters.gauge('sessions', () => (reads += 1));
    meters.gauge('feedUp', () => true);
    assert.equal(reads, 0);
    assert.deepEqual(await linesOf(meters, 'postern_sessions '), ['postern_sessions 1']);
    assert.deepEqual(await linesOf(meters, 'postern_feed_up'), ['postern_feed_up 1']);
  });

  it('fill histograms once there is somebody to read them', async () => {
    const meters = new Meters(build);
    const batch = meters.histogram('batchMessages');
    batch.observe(64);
    const page = expose(meters);
    for (const size of [1, 3, 1_000]) batch.observe(size);

    const lines = (await page.text()).split('\n');
    for (const [bound, count] of [
      ['1', 1],
      ['2', 1],
      ['4', 2],
      ['128', 2],
      ['+Inf', 3],
    ])
      assert.ok(lines.includes(`postern_notifier_batch_messages_bucket{le="${bound}"} ${count}`));
    assert.ok(lines.includes('postern_notifier_batch_messages_sum 1004'));
  });

  it('say which build they are of', async () => {
    assert.deepEqual(await linesOf(new Meters(build), 'postern_build_info'), [
      'postern_build_info{version="1.2.3",node="v20.0.0"} 1',
    ]);
  });
});
