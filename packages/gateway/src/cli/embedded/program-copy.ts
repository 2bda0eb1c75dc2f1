import {
  access,
  chmod,
  constants,
  copyFile,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
} from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

import { makeFolder } from './own-folder.ts';

/** Where the programs of PostgreSQL are. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** A symbolic link, by paths below the package: npm packages cannot hold any. */
interface Link {
  readonly source: string;
  readonly target: string;
}

/** The programs in a package or in a copy of one. */
export function programsIn(home: string): Binaries {
  const bin = join(home, 'native', 'bin');
  return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') };
}

/** False where there is nothing, where npm skipped the script that makes the links, or where modes were lost. */
export async function isComplete(home: string): Promise<boolean> {
  try {
    const links = await readLinks(home);
    await Promise.all(links.map(({ target }) => access(join(home, target))));
    await Promise.all(Object.values(programsIn(home)).map((path) => access(path, constants.X_OK)));
    return true;
  } catch {
    return false; // A copy will be made, and complete.
  }
}

/**
 * Copies a package, with its links, unless that was done before. The copy appears in one step, so
 * that starts at the same time do each other no harm. Everyone can read it, whatever the umask is.
 */
export async function copyPrograms(home: string, copy: string): Promise<void> {
  if (await isComplete(copy)) return;

  await makeFolder(dirname(copy));
  const unfinished = await mkdtemp(join(dirname(copy), 'unfinished-'));
  try {
    await chmod(unfinished, 0o755);
    await copyFolder(join(home, 'native'), join(unfinished, 'native'));
    for (const { source, target } of await readLinks(home)) {
      await symlink(relative(dirname(target), source), join(unfinished, target));
    }
    await moveIntoPlace(unfinished, copy);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

async function readLinks(home: string): Promise<readonly Link[]> {
  const list = join(home, 'native', 'pg-symlinks.json');
  const text = await readFile(list, 'utf8').catch(() => '[]'); // Not every platform needs links.
  const links: unknown = JSON.parse(text);
  if (Array.isArray(links) && links.every(isLink)) return links;
  throw new TypeError(`Not a list of links: ${list}`);
}

function isLink(value: unknown): value is Link {
  if (typeof value !== 'object' || value === null) return false;
  if (!('source' in value) || !('target' in value)) return false;
  return typeof value.source === 'string' && typeof value.target === 'string';
}

/** Copies folders and files. Links are left out: they are made from the list, which npm cannot drop. */
async function copyFolder(from: string, to: string): Promise<void> {
  await makeFolder(to);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await copyFolder(source, target);
    if (!entry.isFile()) continue;
    await copyFile(source, target);
    await chmod(target, 0o755);
  }
}

async function moveIntoPlace(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch {
    if (await isComplete(to)) return; // Another start was faster.
    await rm(to, { recursive: true, force: true });
    await rename(from, to);
  }
}
