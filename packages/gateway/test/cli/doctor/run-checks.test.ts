import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ok } from '#gateway/cli/doctor/check.js';
import { exitCodeOf, jsonReport, textReport } from '#gateway/cli/doctor/report.js';
import { bounded, runChecks } from '#gateway/cli/doctor/run-checks.js';
import type { Result } from '#gateway/cli/doctor/run-checks.js';

describe('Checks', () => {
  it('that do not answer are problems, in bounded time', async () => {
    const never = new Promise<never>(() => undefined);
    const finding = await bounded(() => never, 5);
    assert.equal(finding.status, 'problem');
    assert.match(finding.found, /no answer within 0\.005 s/);
  });

  it('that throw are problems, and what they throw is not quoted', async () => {
    const finding = await bounded(() => {
      throw new Error('hunter2 is not the password: timeout');
    });
    assert.equal(finding.status, 'problem');
    assert.doesNotMatch(finding.found, /hunter2/);
  });

  it('run one after the other, and not at all without ground', async () => {
    const order: string[] = [];
    const checks = ['a', 'b'].map((name) => ({
      name,
      asks: '',
      run: async (ground: string) => {
        order.push(`${name} begins`);
        await Promise.resolve();
        order.push(`${name} ends`);
        return ok(ground);
      },
    }));
    const results = await runChecks(checks, 'ground', '');
    assert.deepEqual(results[1], { check: 'b', status: 'ok', found: 'ground' });
    assert.deepEqual(order, ['a begins', 'a ends', 'b begins', 'b ends']);
    assert.deepEqual(await runChecks(checks, undefined, 'why'), [
      { check: 'a', status: 'skipped', found: 'why' },
      { check: 'b', status: 'skipped', found: 'why' },
    ]);
    assert.equal(order.length, 4);
  });
});

describe('A report', () => {
  const good: Result = { check: 'a', status: 'ok', found: 'fine' };
  const warned: Result = { check: 'b', status: 'warning', found: 'odd', mend: 'look' };
  const broken: Result = { check: 'c', status: 'problem', found: 'one\ntwo', mend: 'mend it' };

  it('ends with 0 with warnings, 1 with problems, 2 when the configuration is the problem', () => {
    assert.equal(exitCodeOf([good, warned]), 0);
    assert.equal(exitCodeOf([good, broken, warned]), 1);
    assert.equal(exitCodeOf([{ ...broken, check: 'configuration' }, broken]), 2);
  });

  it('is in columns, with what a terminal would obey escaped', () => {
    const odd: Result = { check: 'long', status: 'skipped', found: 'a\u001b[2J' };
    assert.equal(
      textReport([good, warned, broken, odd]),
      [
        '✓ a     fine',
        '! b     odd',
        '        → look',
        '✗ c     one',
        '        two',
        '        → mend it',
        '– long  not asked: a\\u001b[2J',
        '',
        '1 ok, 1 warning, 1 problem, 1 not asked',
      ].join('\n'),
    );
  });

  it('has the same for programs', () => {
    const report: unknown = JSON.parse(jsonReport([good, broken]));
    assert.ok(typeof report === 'object' && report !== null);
    assert.equal(Reflect.get(report, 'ok'), false);
    assert.deepEqual(Reflect.get(report, 'checks'), [good, broken]);
    assert.deepEqual(Reflect.get(report, 'summary'), { ok: 1, warning: 0, problem: 1, skipped: 0 });
  });
});
