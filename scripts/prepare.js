import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const lockPath = join(root, 'build', 'prepare.lock');
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

/** Whatever the environment leaves out (`NODE_ENV=production` does): building and testing need all. */
const installArgs = ['ci', '--include=dev', '--include=optional'];

/** Shorter steps pass in silence. */
const LONG_MS = 2_000;

/**
 * Makes a fresh clone, or one that has changed, ready to run: installs what the lockfile asks for and
 * builds. Silent unless it takes long; ends the process when a step fails. One run at a time: a second
 * one waits, then finds everything done.
 */
export async function prepare() {
  requireNode(20, 19);
  await lock();
  const isReady =
    (isInstalled() || (await run('Installing dependencies', 'npm', installArgs))) &&
    (await run('Building', process.execPath, [compiler, '--build']));
  rmSync(lockPath, { force: true });
  if (!isReady) process.exit(1);
}

function requireNode(major, minor) {
  const [ourMajor, ourMinor] = process.versions.node.split('.').map(Number);
  if (ourMajor > major || (ourMajor === major && ourMinor >= minor)) return;
  say(`Node ${major}.${minor} or later is needed; this is ${process.versions.node}.`);
  process.exit(1);
}

/** By contents, not by age: a checkout of another branch and back installs nothing. */
function isInstalled() {
  const installed = lockedPackages(join(root, 'node_modules', '.package-lock.json'));
  const wanted = Object.entries(lockedPackages(join(root, 'package-lock.json')));
  return wanted
    .filter(([path]) => path.startsWith('node_modules/'))
    .every(([path, { version, optional }]) =>
      path in installed ? installed[path].version === version : optional,
    );
}

function lockedPackages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch (error) {
    if (error.code === 'ENOENT') return {};
    throw error;
  }
}

/** The file names its holder, so that one left behind by a killed run is recognised. */
async function lock() {
  mkdirSync(dirname(lockPath), { recursive: true });
  const notice = setTimeout(say, LONG_MS, `Waiting for another run, which holds ${lockPath} …`);
  while (!tryLock()) await delay(100);
  clearTimeout(notice);
}

function tryLock() {
  try {
    writeFileSync(lockPath, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  // Taken at the next try: by then everybody who found the same dead holder has removed its file, and
  // nobody removes the new one.
  if (!isHeld()) rmSync(lockPath, { force: true });
  return false;
}

function isHeld() {
  try {
    // Empty for a moment, between its creation and its writing: then signal 0 goes to ourselves.
    process.kill(Number(readFileSync(lockPath, 'utf8')), 0);
    return true;
  } catch (error) {
    return error.code !== 'ESRCH' && error.code !== 'ENOENT';
  }
}

/** Says what went wrong and returns whether all went well. */
async function run(title, command, args) {
  const child = spawn(command, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32' && command === 'npm',
  });
  const output = [];
  child.stdout.on('data', (chunk) => output.push(chunk));
  child.stderr.on('data', (chunk) => output.push(chunk));
  const notice = setTimeout(say, LONG_MS, `${title} …`);
  // Else npm would go on installing behind our back, without the lock.
  const stop = (signal) => child.kill(signal);
  process.on('SIGINT', stop).on('SIGTERM', stop);

  const status = await new Promise((resolve) => {
    child.on('error', (error) => resolve(error.code));
    child.on('close', (code, signal) => resolve(code ?? signal));
  });

  process.off('SIGINT', stop).off('SIGTERM', stop);
  clearTimeout(notice);
  if (status === 0) return true;
  process.stderr.write(Buffer.concat(output));
  say(`${title} failed (${status}).`);
  return false;
}

function say(text) {
  process.stderr.write(`${text}\n`);
}
