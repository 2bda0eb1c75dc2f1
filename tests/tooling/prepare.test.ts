import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { startChild } from '../support/child.ts';
import type { Child } from '../support/child.ts';
import type { Scope } from '../support/postgres.ts';
import { put, scratchFolder } from './scratch.ts';

const lockfile = (version: string): string =>
  JSON.stringify({
    packages: {
      '': { name: 'root' },
      'node_modules/a': { version },
      'node_modules/for-another-system': { version: '1.0.0', optional: true },
    },
  });

/** Notes that it ran, takes a while, and notes when another one ran meanwhile. */
const step = (name: string, work = ''): string => `#!/usr/bin/env node
const { appendFileSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } = require('node:fs');
const note = (text) => appendFileSync('log', text + '\\n');
note('${name}');
try { mkdirSync('busy'); } catch { note('two at once'); }
setTimeout(() => { rmdirSync('busy'); ${work} }, 200);
`;

/** Installs all but what is for another system. */
const install = step(
  'npm',
  `const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
   delete lock.packages['node_modules/for-another-system'];
   writeFileSync('node_modules/.package-lock.json', JSON.stringify(lock));`,
);

const freshClone = {
  'package.json': '{ "type": "module" }',
  'package-lock.json': lockfile('1.0.0'),
  'run.js':
    "import { prepare } from './scripts/prepare.js';\nawait prepare();\nconsole.log('ready');",
  'bin/package.json': '{}',
  'bin/npm': install,
  'node_modules/typescript/package.json': '{}',
  'node_modules/typescript/bin/tsc': step('tsc'),
};

describe('prepare()', () => {
  it('installs and builds a fresh clone, in silence', async (t) => {
    const root = await clone(t);
    const run = start(t, root);
    assert.deepEqual(await run.exited(), { code: 0, signal: undefined });
    assert.deepEqual([run.stdout, run.stderr], ['ready\n', '']);
    assert.deepEqual(await log(root), ['npm', 'tsc']);
  });

  it('installs nothing a second time, packages for other systems are not missed', async (t) => {
    const root = await clone(t);
    await start(t, root).exited();
    await start(t, root).exited();
    assert.deepEqual(await log(root), ['npm', 'tsc', 'tsc']);
  });

  it('installs anew when the lockfile asks for another version', async (t) => {
    const root = await clone(t);
    await start(t, root).exited();
    await put(root, 'package-lock.json', lockfile('1.0.1'));
    await start(t, root).exited();
    assert.deepEqual(await log(root), ['npm', 'tsc', 'npm', 'tsc']);
  });

  it('installs once and never does two things at once when two runs start together', async (t) => {
    const root = await clone(t);
    const runs = [start(t, root), start(t, root)];
    for (const run of runs) assert.deepEqual(await run.exited(), { code: 0, signal: undefined });
    assert.deepEqual(await log(root), ['npm', 'tsc', 'tsc']);
  });

  it('does not wait for a run that was killed', async (t) => {
    const killed = spawnSync(process.execPath, ['--version']).pid;
    const root = await clone(t, { 'build/prepare.lock': String(killed) });
    assert.deepEqual(await start(t, root).exited(), { code: 0, signal: undefined });
  });

  it('names the lock when it waits long for it', async (t) => {
    const root = await clone(t, { 'build/prepare.lock': String(process.pid) });
    const run = start(t, root);
    assert.match(await run.line(/Waiting/), /prepare\.lock/);
    assert.deepEqual(await log(root), []);
    run.signal('SIGKILL');
    await run.exited();
  });

  it('shows what a failing build says and lets the next run try again', async (t) => {
    const failing = "console.error('type error'); process.exitCode = 2;";
    const root = await clone(t, { 'node_modules/typescript/bin/tsc': failing });
    const run = start(t, root);
    assert.deepEqual(await run.exited(), { code: 1, signal: undefined });
    assert.equal(run.stdout, '');
    assert.equal(run.stderr, 'type error\nBuilding failed (2).\n');
    assert.equal(existsSync(join(root, 'build/prepare.lock')), false);
  });

  it('does not build what could not be installed', async (t) => {
    const root = await clone(t, { 'bin/npm': "#!/bin/sh\necho 'no network'\nexit 1\n" });
    const run = start(t, root);
    assert.deepEqual(await run.exited(), { code: 1, signal: undefined });
    assert.equal(run.stderr, 'no network\nInstalling dependencies failed (1).\n');
    assert.deepEqual(await log(root), []);
  });
});

function clone(scope: Scope, files: Readonly<Record<string, string>> = {}): Promise<string> {
  return scratchFolder(scope, {
    files: { ...freshClone, ...files },
    copies: ['scripts/prepare.js'],
  });
}

function start(scope: Scope, root: string): Child {
  const path = `${join(root, 'bin')}:${process.env['PATH'] ?? ''}`;
  return startChild(scope, process.execPath, ['run.js'], { cwd: root, env: { PATH: path } });
}

async function log(root: string): Promise<readonly string[]> {
  const path = join(root, 'log');
  return existsSync(path) ? (await readFile(path, 'utf8')).trimEnd().split('\n') : [];
}
