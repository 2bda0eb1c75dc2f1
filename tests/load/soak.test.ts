import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { failOnLeaks } from '../support/leaks.ts';
import { describeSoak, leaks, soak } from './soak.ts';

/** A `Session` and its sockets are several kilobytes; `npm run soak` holds it to less, for longer. */
const MOST_BYTES_PER_SESSION = 2_000;

const scope = failOnLeaks();

describe('A gateway under churn', () => {
  it('keeps nothing of the sessions that have ended', async (test) => {
    const report = await soak(scope, {
      population: 100,
      leavingPerSecond: 60,
      messagesPerSecond: 50,
      warmUpSeconds: 5,
      seconds: 20,
      sampleSeconds: 1,
    });
    test.diagnostic(describeSoak(report));

    assert.ok(report.sessions > 500, 'too few sessions to say anything');
    assert.ok(!leaks(report, MOST_BYTES_PER_SESSION), describeSoak(report));
    assert.deepEqual(report.unexpected, {}, 'clients ended as nobody had asked for');
    assert.ok((report.endings['3001'] ?? 0) > 0, 'no token expired');
  });
});
