import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { startChild } from '../support/child.ts';
import type { Child } from '../support/child.ts';
import type { Scope } from '../support/postgres.ts';
import { until } from '../support/wait.ts';
import { scratchFolder } from './scratch.ts';

/** What each command of npm does. By the pipe the checks and the tests wait for each other. */
const passing = {
  ci: 'echo installed',
  'run build': 'echo built',
  'run check:static': 'echo begin of the checks; echo met >meeting; echo end of the checks',
  test: 'echo begin of the tests; cat meeting; sleep 0.3; echo counts of the tests',
};

type Steps = Readonly<Record<keyof typeof passing, string>>;

/** In place of npm. */
const npm = (steps: Steps): string =>
  ['#!/usr/bin/env bash', 'echo "$*" >>log', 'case "$*" in']
    .concat(Object.entries(steps).map(([command, script]) => `'${command}') ${script};;`))
    .concat('esac', '')
    .join('\n');

describe('.ci/run', { concurrency: true }, () => {
  it('checks and tests at the same time, shows the checks first and the tests whole and last', async (t) => {
    const { child } = await start(t);
    assert.equal((await child.exited()).code, 0);
    assert.deepEqual(child.stdout.trim().split('\n'), [
      'installed',
      'built',
      'begin of the checks',
      'end of the checks',
      'begin of the tests',
      'met',
      'counts of the tests',
    ]);
    assert.equal(child.stderr, '');
  });

  it('fails when the checks do, and runs the tests to their end', async (t) => {
    const { child } = await start(t, { 'run check:static': 'echo met >meeting; exit 1' });
    assert.equal((await child.exited()).code, 1);
    assert.match(child.stdout, /counts of the tests\n$/);
  });

  it('fails when the tests do, and runs the checks to their end', async (t) => {
    const { child } = await start(t, { test: 'cat meeting; echo counts of the tests; exit 1' });
    assert.equal((await child.exited()).code, 1);
    assert.match(child.stdout, /end of the checks[^]*counts of the tests\n$/);
  });

  it('begins neither when the build fails', async (t) => {
    const { child, log } = await start(t, { 'run build': 'exit 1' });
    assert.equal((await child.exited()).code, 1);
    assert.equal(await log(), 'ci\nrun build\n');
  });

  it('takes the tests along when it is ended', async (t) => {
    const endless =
      'trap "echo tests ended >>log; exit" TERM; echo met >meeting; cat endless & wait';
    const { child, log } = await start(t, {
      'run check:static': 'cat meeting',
      test: endless,
    });
    await child.line(/met/);
    child.signal('SIGTERM');
    await child.exited();
    await until('the end of the tests', async () => /tests ended/.test(await log()));
  });
});

/** Runs it in a repository of its own. */
async function start(
  scope: Scope,
  steps: Partial<Steps> = {},
): Promise<{ readonly child: Child; log(): Promise<string> }> {
  const root = await scratchFolder(scope, {
    files: { 'bin/npm': npm({ ...passing, ...steps }) },
    copies: ['.ci/run'],
  });
  await startChild(scope, 'mkfifo', ['meeting', 'endless'], { cwd: root }).exited();
  const child = startChild(scope, join(root, '.ci/run'), [], {
    cwd: root,
    env: {
      PATH: `${join(root, 'bin')}:${process.env['PATH']}`,
      CHROMIUM_PATH: 'true',
      NGINX_PATH: 'true',
      CURL_PATH: 'true',
      PYTHON3_PATH: 'true',
      TMPDIR: root,
    },
  });
  return { child, log: () => readFile(join(root, 'log'), 'utf8') };
}
