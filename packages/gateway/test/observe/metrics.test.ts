import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { metrics } from '#gateway/observe/metrics.js';
import type { Metric } from '#gateway/observe/metrics.js';

const rows = Object.entries<Metric>(metrics);

describe('The metric table', () => {
  it('names each metric once, as Prometheus has it', () => {
    const names = rows.map(([, { name }]) => name);
    assert.equal(new Set(names).size, names.length);
    for (const [, { name, type }] of rows) {
      assert.match(name, /^postern(_[a-z]+)+$/);
      assert.equal(name.endsWith('_total'), type === 'counter', `${name}: _total`);
      assert.equal(name.endsWith('_info'), type === 'info', `${name}: _info`);
      // Base units: https://prometheus.io/docs/practices/naming
      assert.doesNotMatch(name, /_(ms|millis\w*|kb|kib|mb|minutes|percent|count|sum|bucket)(_|$)/);
    }
  });

  it('says what each metric tells', () => {
    for (const [, { name, help }] of rows) assert.match(help, /^[A-Z0-9].*\.$/, name);
  });

  it('has few series, and none that says who', () => {
    for (const [, metric] of rows) {
      if (metric.type !== 'counter') continue;
      const values = Object.values<readonly string[]>(metric.labels ?? {});
      const series = values.reduce((product, { length }) => product * length, 1);
      assert.ok(series <= 100, `${metric.name}: ${series}`);
      for (const label of Object.keys(metric.labels ?? {}))
        assert.doesNotMatch(label, /channel|user|sub|session|address|token|path/i, metric.name);
    }
  });

  it('has buckets that ascend', () => {
    for (const [, metric] of rows) {
      if (metric.type !== 'histogram') continue;
      const sorted = metric.buckets.toSorted((one, other) => one - other);
      assert.deepEqual(metric.buckets, sorted, metric.name);
    }
  });
});
