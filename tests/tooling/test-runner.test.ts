import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { until } from '../support/wait.ts';
import { passing, printing, repository, start, startIn } from './test-run.ts';

/** A test file whose child listens on a port for as long as it lives. */
const spawning = `
  import { spawn } from 'node:child_process';
  const listen = "require('net').createServer().listen(0, '127.0.0.1', function () {" +
    "console.log('port ' + this.address().port); })";
  spawn(process.execPath, ['--eval', listen], { stdio: 'inherit' });`;

/** A test file that does not end by itself. */
const waiting = "import { createServer } from 'node:net'; createServer().listen(0);";

/** Scenarios against two targets, the second of which fails one and lacks another. */
const scenarios = `
  import { describe, it } from 'node:test';
  describe('one: a thing', () => { it('works', () => {}); it('lasts', () => {}); });
  describe('the other: a thing', () => { it('works', () => { throw new Error('no'); }); });`;

describe('npm test', () => {
  it('runs what has a source, and nothing that a deleted one left behind', async (t) => {
    const run = await start(t, {
      'tests/fault/a.test.ts': passing('a'),
      'packages/gateway/test/hub/b.test.ts': passing('b'),
      'packages/client/test/c.test.ts': passing('c'),
      'build/tests/fault/deleted.test.js': passing('deleted'),
    });
    assert.equal((await run.exited()).code, 0);
    for (const name of ['a', 'b', 'c']) assert.match(run.stdout, new RegExp(`${name} passes`));
    assert.match(run.stdout, /^ℹ tests 3$/m);
  });

  it('runs the files that have one of the given parts in their path', async (t) => {
    const files = {
      'tests/fault/a.test.ts': passing('a'),
      'tests/security/b.test.ts': passing('b'),
      'packages/gateway/test/hub/c.test.ts': passing('c'),
    };
    const run = await start(t, files, { args: ['fault/', 'hub'] });
    assert.equal((await run.exited()).code, 0);
    assert.match(run.stdout, /a passes[^]*c passes|c passes[^]*a passes/);
    assert.doesNotMatch(run.stdout, /b passes/);
  });

  it('starts one process for the unit tests of a folder, one for files that ask for the same, and one for each other file', async (t) => {
    const files = [
      'packages/gateway/test/hub/a.test.ts',
      'packages/gateway/test/hub/deep/b.test.ts',
      'tests/browser/h.test.ts',
      'tests/browser/i.test.ts',
      'packages/gateway/test/auth/c.test.ts',
      'packages/gateway/test/d.test.ts',
      'packages/client/test/e.test.ts',
      'tests/fault/f.test.ts',
      'tests/fault/g.test.ts',
    ];
    const texts = files.map((file) => {
      const asks = file.includes('browser') ? '/* sharedChromium() */' : '';
      return [file, `${asks} console.log('${file} ' + process.pid + ';');`];
    });
    const env = { CHROMIUM_PATH: '/opt/chromium' };
    const run = await start(t, Object.fromEntries(texts), { env });
    assert.equal((await run.exited()).code, 0);
    const processes = files.map((file) => run.stdout.split(`${file} `)[1]?.split(';')[0]);
    assert.ok(processes.every((pid) => /^\d+$/.test(pid ?? '')));
    assert.equal(processes[0], processes[1]);
    assert.equal(processes[2], processes[3]);
    assert.equal(new Set(processes).size, files.length - 2);
  });

  it('leaves out what measures at length, unless it is asked for', async (t) => {
    const files = {
      'tests/load/soak.test.ts': passing('the soak'),
      'tests/load/siege.test.ts': passing('the siege'),
    };
    const run = await start(t, files);
    assert.equal((await run.exited()).code, 0);
    assert.match(run.stdout, /the siege passes/);
    assert.doesNotMatch(run.stdout, /the soak passes/);
    const asked = await start(t, files, { args: ['load/'] });
    assert.equal((await asked.exited()).code, 0);
    assert.match(asked.stdout, /the soak passes/);
  });

  it('fails when there is nothing to run', async (t) => {
    const run = await start(t, { 'tests/a.test.ts': passing('a') }, { args: ['hup', 'fold'] });
    assert.equal((await run.exited()).code, 1);
    assert.equal(run.stderr, 'No test file has hup or fold in its path.\n');
  });

  it('fails when a test does, and stops the shared PostgreSQL', async (t) => {
    const root = await repository(t, { 'tests/a.test.ts': 'throw new Error();' });
    assert.equal((await startIn(t, root).exited()).code, 1);
    assert.equal(await log(root), 'started stopped');
  });

  it('tells the tests where the shared PostgreSQL is', async (t) => {
    const run = await start(t, { 'tests/a.test.ts': printing('POSTERN_TEST_DATABASE_URL') });
    assert.equal((await run.exited()).code, 0);
    assert.match(run.stdout, /<postgres:\/\/shared>/);
  });

  it('starts no PostgreSQL for unit tests', async (t) => {
    const root = await repository(t, { 'packages/gateway/test/a.test.ts': passing('a') });
    assert.equal((await startIn(t, root).exited()).code, 0);
    assert.equal(await log(root), '');
  });

  it('ends a file that does not end by itself, and says what it waits for', async (t) => {
    const env = { TEST_DEADLINE_SECONDS: '0.5' };
    const run = await start(t, { 'tests/a.test.ts': waiting }, { env });
    assert.equal((await run.exited()).code, 1);
    assert.match(run.stdout, /Not over after 0.5 s. Still open: .*TCPServerWrap/);
  });

  it('lets files that share a process take as long as all of them may', async (t) => {
    const files = ['a', 'b'].map((name) => [`packages/client/test/${name}.test.ts`, waiting]);
    const env = { TEST_DEADLINE_SECONDS: '1' };
    const run = await start(t, Object.fromEntries(files), { env });
    assert.equal((await run.exited()).code, 1);
    assert.match(run.stdout, /Not over after 2 s/);
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`leaves nothing running after ${signal}, sent twice as npm does`, async (t) => {
      const root = await repository(t, { 'tests/a.test.ts': spawning });
      const run = startIn(t, root);
      const port = Number((await run.line(/port \d+/)).split('port ')[1]);
      run.signal(signal);
      await run.line(/stopping/);
      run.signal(signal);
      assert.equal((await run.exited()).code, 130);
      assert.equal(await log(root), 'started stopped');
      await until('the end of what the test started', () => isClosed(port));
    });
  }
});

describe('npm test, with conformance', () => {
  const files = { 'tests/conformance/raw/a.test.ts': printing('POSTERN_TEST_PACKED') };
  const env = { NGINX_PATH: '/opt/nginx' };

  it('tells the tests where the packed packages are, and removes them', async (t) => {
    const root = await repository(t, files);
    const run = startIn(t, root, { env });
    assert.equal((await run.exited()).code, 0);
    assert.match(run.stdout, /<\/packed>/);
    assert.equal(await log(root), 'started removed stopped');
  });

  it('does without them where npm reaches no registry, and says so; in CI it fails', async (t) => {
    const run = await start(t, files, { env: { ...env, OFFLINE: 'yes' } });
    assert.equal((await run.exited()).code, 0);
    assert.match(run.stdout, /<>/);
    assert.match(run.stdout, /^Skipped the packed tarballs: npm reaches no registry/m);

    const inCI = await start(t, files, { env: { ...env, OFFLINE: 'yes', CI: '1' } });
    assert.equal((await inCI.exited()).code, 1);
    assert.match(inCI.stderr, /^Cannot run the packed tarballs/m);
  });

  it('does without nginx where there is none, and says so; in CI it fails', async (t) => {
    const run = await start(t, { ...files, 'tests/nginx/b.test.ts': passing('b') });
    assert.equal((await run.exited()).code, 0);
    assert.doesNotMatch(run.stdout, /b passes/);
    assert.match(run.stdout, /^Skipped 1 file\(s\) in tests\/nginx\/: no nginx on PATH/m);
    assert.match(run.stdout, /^Skipped a part of 1 file\(s\) in tests\/conformance\/: no nginx/m);

    const inCI = await start(t, files, { env: { CI: '1' } });
    assert.equal((await inCI.exited()).code, 1);
    assert.match(inCI.stderr, /^Cannot run a part of 1 file\(s\) in tests\/conformance\//m);
  });

  it('counts the scenarios against each target, and names those that did not run', async (t) => {
    const broken = { 'tests/conformance/raw/broken.test.ts': "throw new Error('no');" };
    const run = await start(
      t,
      { 'tests/conformance/raw/b.test.ts': scenarios, ...broken },
      { env },
    );
    assert.equal((await run.exited()).code, 1);
    assert.match(run.stdout, /^ {2}raw\/b +2 +0\/1$/m);
    assert.match(run.stdout, /^ {2}\[2\] the other$/m);
    assert.deepEqual(run.stdout.match(/^Did not run against .*/gm), [
      'Did not run against the other: raw/b: a thing › lasts',
    ]);
  });

  it('fails for a scenario that names no target', async (t) => {
    const run = await start(t, { 'tests/conformance/raw/b.test.ts': passing('a stray') }, { env });
    assert.equal((await run.exited()).code, 1);
    assert.match(run.stdout, /^Not by describeOn: raw\/b: a stray passes$/m);
  });

  it('fails for a scenario that ran against some targets only', async (t) => {
    const partial = scenarios.replace("throw new Error('no');", '');
    const run = await start(t, { 'tests/conformance/raw/b.test.ts': partial }, { env });
    assert.equal((await run.exited()).code, 1);
    assert.match(run.stdout, /^ℹ fail 0$/m);
    assert.match(run.stdout, /^Did not run against the other/m);
  });
});

describe('npm test, without a Chromium', () => {
  const files = {
    'tests/browser/a.test.ts': passing('browser'),
    'tests/fault/b.test.ts': passing('fault'),
  };

  it('skips the browser tests and says so', async (t) => {
    const run = await start(t, files);
    assert.equal((await run.exited()).code, 0);
    assert.match(run.stdout, /^ℹ tests 1$/m);
    assert.match(
      run.stdout,
      /^Skipped 1 file\(s\) in tests\/browser\/: no chromium, .* CHROMIUM_PATH/m,
    );
  });

  it('fails where CI is set', async (t) => {
    const run = await start(t, files, { env: { CI: 'true' } });
    assert.equal((await run.exited()).code, 1);
    assert.match(run.stderr, /^Cannot run 1 file\(s\) in tests\/browser\/: no chromium,/);
  });

  it('runs the other tests where CI is set and only they are asked for', async (t) => {
    const run = await start(t, files, { env: { CI: 'true' }, args: ['fault'] });
    assert.equal((await run.exited()).code, 0);
  });

  it('succeeds with nothing left to run', async (t) => {
    const run = await start(t, files, { args: ['browser'] });
    assert.equal((await run.exited()).code, 0);
    assert.doesNotMatch(run.stdout, /passes/);
  });
});

describe('npm test, with a Chromium', () => {
  const files = { 'tests/browser/a.test.ts': printing('CHROMIUM_PATH') };

  it('takes the one that CHROMIUM_PATH names', async (t) => {
    const run = await start(t, files, { env: { CI: 'true', CHROMIUM_PATH: '/opt/chromium' } });
    assert.equal((await run.exited()).code, 0);
    assert.match(run.stdout, /<\/opt\/chromium>/);
  });

  it('finds one on the PATH, by any of its names', async (t) => {
    const root = await repository(t, { ...files, 'bin/google-chrome': '#!/bin/sh\n' });
    const run = startIn(t, root, { env: { CI: 'true', PATH: `/nowhere:${join(root, 'bin')}` } });
    assert.equal((await run.exited()).code, 0);
    assert.ok(run.stdout.includes(`<${join(root, 'bin', 'google-chrome')}>`));
  });
});

describe('npm test, with a Python', () => {
  const files = { 'tests/clients/python/a.test.ts': printing('PYTHON3_PATH') };
  const useless = { 'bare/python3': '#!/bin/sh\nexit 1\n' };

  it('takes the first that has what the tests need', async (t) => {
    const root = await repository(t, { ...files, ...useless, 'bin/python3': '#!/bin/sh\n' });
    const PATH = `${join(root, 'bare')}:${join(root, 'bin')}`;
    const run = startIn(t, root, { env: { CI: 'true', PATH } });
    assert.equal((await run.exited()).code, 0);
    assert.ok(run.stdout.includes(`<${join(root, 'bin', 'python3')}>`));
  });

  it('skips their tests with none that has it, and says so', async (t) => {
    const root = await repository(t, { ...files, ...useless });
    const run = startIn(t, root, { env: { PATH: join(root, 'bare') } });
    assert.equal((await run.exited()).code, 0);
    assert.match(
      run.stdout,
      /^Skipped 1 file\(s\) in tests\/clients\/python\/: no python3 with the package websockets on PATH/m,
    );
  });
});

async function log(root: string): Promise<string> {
  return readFile(join(root, 'log'), { encoding: 'utf8', flag: 'a+' });
}

async function isClosed(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const isOpen = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return !isOpen;
}
