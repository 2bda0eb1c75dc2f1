import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { isClean } from '../delivery/judge.ts';
import { describeKill, total } from '../delivery/kill-report.ts';
import { killRun } from '../delivery/kill-run.ts';
import { failOnLeaks } from '../support/leaks.ts';

const scope = failOnLeaks();

/**
 * So much may be covered by gaps of what was sent in no break. A gateway that told a gap of everything would lose
 * nothing either.
 */
const MOST_NEEDLESS = 0.02;

describe('Subscribers that resume, of whom everybody is cut off from everybody', () => {
  it('lose nothing in silence, and get nothing twice or in disorder', async (test) => {
    const report = await killRun(scope, {
      seed: Date.now(),
      perSecond: 500,
      gateways: 1,
      environment: { POSTERN_LISTENER_CHECK_SECONDS: '0.5' },
      acts: [
        'killListenerTwice',
        'twoBreaks',
        'killPooled',
        'stall',
        'stopListener',
        'restartPostgres',
      ],
      quietSeconds: 0.5,
      cuts: 24,
      cutSeconds: 12,
    });
    test.diagnostic(describeKill(report));

    const all = total(report.verdicts);
    assert.ok(report.verdicts.every(isClean), describeKill(report));
    assert.ok(all.needless <= MOST_NEEDLESS * all.committed, 'too much was covered by gaps');
    // Whatever was meant to happen has happened, to somebody.
    assert.equal(report.cuts, 24);
    assert.ok(report.noticed.breaks >= 3, 'a break was not noticed');
    assert.ok(report.noticed.slowConsumers > 0, 'nobody was too slow');
    assert.equal(report.publications.unknown, 0, 'an outcome was never settled by its key');
    for (const readers of ['client', '']) {
      const fortunes = Object.entries(report.fortunes).filter(([name]) => name.startsWith(readers));
      assert.ok(
        fortunes.some(([, { recovered }]) => recovered > 0),
        `nobody resumed: ${readers}`,
      );
    }
    assert.deepEqual(
      Object.values(report.fortunes).flatMap(({ surprises }) => surprises),
      [],
    );
  });
});
