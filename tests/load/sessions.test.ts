import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { failOnLeaksTogether, ownScope } from '../support/leaks.ts';
import { measureDeadline } from './deadline-cost.ts';
import { measureExpiry, plansFor } from './expiry-load.ts';
import { measureStorms } from './refresh-storm.ts';
import { describeDeadline, describeExpiry, describeStorms } from './session-report.ts';

failOnLeaksTogether();

/** What no busy machine explains. */
const FAR_TOO_LATE_MS = 2_000;

describe('The bench of sessions', { concurrency: true }, () => {
  it('measures what the comparison with the deadline costs a delivery', async (test) => {
    const report = await measureDeadline(ownScope(test), {
      subscribers: 50,
      notifications: 20,
      warmUpRounds: 2,
      rounds: 3,
    });
    test.diagnostic(describeDeadline(report));

    assert.equal(report.deliveries, 4 * 3 * 20 * 50);
    assert.ok(report.comparisonNanos > 1 && report.comparisonNanos < 5_000);
    // The least that a comparison with an order of magnitude too much in it would cost.
    assert.ok(report.ratio.median > 0.5 && report.ratio.median < 2, `${report.ratio.median}`);
    for (const { low, median, high } of [report.withMicros, report.withoutMicros])
      assert.ok(low > 0 && low <= median && median <= high);
  });

  it('measures how ten thousand sessions wait for their end, and how it comes', async (test) => {
    const scope = ownScope(test);
    const plans = plansFor(10_000, 8);
    const rows = await Promise.all(plans.map((plan) => measureExpiry(scope, plan, 1)));
    test.diagnostic(describeExpiry(rows));

    for (const { name, count, spreadSeconds, bytesEach, waiting, ending, ...row } of rows) {
      const mostBytes = spreadSeconds > count ? 1_000 : 200;
      assert.ok(bytesEach > 10 && bytesEach < mostBytes, `${name}: ${bytesEach} bytes`);
      assert.ok(waiting.p99Ms < FAR_TOO_LATE_MS && ending.longestMs < FAR_TOO_LATE_MS, name);
      if (spreadSeconds === 1) assert.equal(row.ended, count, name);
      // One broadcast may be under way as the second comes.
      if (row.of === 'sessions')
        assert.ok(row.delivered > 1_000 && row.late < 10, `${row.late} late`);
      assert.ok(row.lastEndMs >= 0 && row.lastEndMs < FAR_TOO_LATE_MS, `${name}: ${row.lastEndMs}`);
    }
  });

  it('measures what refreshes cost, and how late others hear of messages meanwhile', async (test) => {
    const parts = await measureStorms(ownScope(test), {
      sessions: 200,
      listeners: 20,
      quietSeconds: 3,
      stormSeconds: [3],
    });
    test.diagnostic(describeStorms(parts));

    const [quiet, storm] = parts;
    assert.deepEqual([quiet?.refreshes, storm?.refreshes], [0, 200]);
    for (const { name, medianMs, p99Ms, longestMs } of parts)
      assert.ok(0 < medianMs && medianMs <= p99Ms && p99Ms <= longestMs, name);
    assert.ok((storm?.p99Ms ?? Infinity) < FAR_TOO_LATE_MS, `${storm?.p99Ms} ms`);
    assert.ok((storm?.cpuMicrosEach ?? Infinity) < 50_000, `${storm?.cpuMicrosEach} µs`);
  });
});
