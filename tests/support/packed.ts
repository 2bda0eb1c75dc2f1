import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Set by the test runner for all its files; empty when npm could not install. */
const SHARED_FOLDER = 'POSTERN_TEST_PACKED';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const DEADLINE_MS = 180_000;

/** What npm says when it reaches no registry. */
const UNREACHABLE = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT|ENOTCACHED)\b/;

/** The packages as npm would publish them, installed where nothing of this repository is found. */
export interface Packed {
  /** Has the tarballs, and `app` with its `node_modules`. */
  readonly folder: string;
  remove(): Promise<void>;
}

/**
 * Packs both packages and installs them as a user would who leaves out what is optional. Returns
 * `undefined` when npm reaches no registry, and its cache has not all that it needs.
 */
export async function installPacked(): Promise<Packed | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'postern-packed-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await npm(ROOT, ['pack', '--workspaces', '--pack-destination', folder]);
    const tarballs = (await readdir(folder)).map((name) => join(folder, name));

    const app = appIn(folder);
    await mkdir(app);
    await writeFile(join(app, 'package.json'), '{ "private": true, "type": "module" }');
    await npm(app, ['install', '--omit=optional', '--prefer-offline', ...tarballs]);
    return { folder, remove };
  } catch (error) {
    await remove();
    if (error instanceof Error && UNREACHABLE.test(error.message)) return undefined;
    throw error;
  }
}

/** What tells the tests of it. */
export function sharing(packed: Packed | undefined): Readonly<Record<string, string>> {
  return { [SHARED_FOLDER]: packed?.folder ?? '' };
}

let own: Promise<Packed | undefined> | undefined;

/**
 * Where the tarballs of this run are; those of this file, which go with it, when it runs alone.
 * `undefined` where they could not be installed, as the run has said.
 */
export async function packedFolder(): Promise<string | undefined> {
  const shared = process.env[SHARED_FOLDER];
  if (shared !== undefined) return shared === '' ? undefined : shared;
  if (own === undefined) {
    own = installPacked();
    after(async () => (await own)?.remove());
  }
  return (await own)?.folder;
}

/** Where in that folder the packages are installed. */
export function appIn(folder: string): string {
  return join(folder, 'app');
}

/** The program there. */
export function programIn(folder: string): string {
  return join(appIn(folder), 'node_modules', '.bin', 'postern');
}

async function npm(cwd: string, args: readonly string[]): Promise<void> {
  // npm hands these to the scripts that it runs. One within them would work there and not in `cwd`.
  const { npm_config_local_prefix: _prefix, npm_package_json: _json, ...env } = process.env;
  const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];
  await promisify(execFile)('npm', [...args, ...quiet], { cwd, env, timeout: DEADLINE_MS });
}
