import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { failOnLeaksTogether, ownScope } from '../support/leaks.ts';
import { measurePublishing } from './publish-cost.ts';

failOnLeaksTogether();

describe('The bench of publishing', () => {
  it('measures what an acknowledged publish costs, and how long its answer takes', async (test) => {
    const plan = { publishers: 5, window: 50, publishes: 5_000, rounds: 2 };
    const pace = { perSecond: 500, seconds: 2 };
    const { rounds, paced } = await measurePublishing(ownScope(test), { ...plan, ...pace });
    test.diagnostic(JSON.stringify({ rounds, paced }));

    assert.equal(rounds.length, plan.rounds);
    for (const { cpuMicros, loopMicros = cpuMicros, acknowledged, perSecond } of rounds) {
      // Whoever has an answer publishes once more until there are enough.
      const most = plan.publishes + 2 * plan.publishers * plan.window;
      assert.ok(acknowledged >= plan.publishes && acknowledged <= most, `${acknowledged}`);
      assert.ok(cpuMicros > 1 && cpuMicros < 1_000, `${cpuMicros} µs`);
      assert.ok(loopMicros > 0 && loopMicros <= cpuMicros * 1.1, `${loopMicros} of ${cpuMicros}`);
      assert.ok(perSecond > 100, `${perSecond} a second`);
    }
    assert.equal(paced.acknowledged, pace.perSecond * pace.seconds);
    assert.ok(paced.medianMs > 0 && paced.medianMs <= paced.p99Ms, `${paced.medianMs}`);
  });
});
