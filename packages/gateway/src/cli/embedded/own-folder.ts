import { chmod, lstat, mkdir, realpath } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { GatewayError } from '../../errors.ts';

const WRITABLE_BY_OTHERS = 0o022;
const ENTERABLE_BY_ALL = 0o001;
const STICKY = 0o1000;

/**
 * A folder of this user's own that nobody else can write to or put in another's place. Root's can
 * be entered by everyone, for the server runs as somebody else. `/var/lib` comes before the
 * temporary folders, which are emptied now and then and often forbid running programs.
 */
export async function ownFolder(): Promise<string> {
  const uid = process.getuid?.() ?? 0;
  const bases =
    uid === 0 ? ['/var/lib', '/var/tmp', tmpdir()] : [join(homedir(), '.cache'), tmpdir()];

  for (const base of bases) {
    const folder = await tryFolder(base, uid);
    if (folder !== undefined) return folder;
  }
  throw new GatewayError('POSTERN_EMBEDDED_POSTGRES', {
    detail: `No place for its files: none of ${bases.join(', ')} can be written to safely. Set TMPDIR to a folder that is yours${uid === 0 ? ' and that all users can enter' : ''}.`,
  });
}

async function tryFolder(base: string, uid: number): Promise<string | undefined> {
  try {
    const folder = join(await realpath(base), `postern-embedded-${uid}`);
    await makeFolder(folder);
    return (await isSafe(folder, uid)) ? folder : undefined;
  } catch {
    return undefined; // Absent or read-only: the next base may do.
  }
}

/** Makes a folder that everyone may enter and read, whatever the umask; one that is there is left as it is. */
export async function makeFolder(folder: string): Promise<void> {
  const made = await mkdir(folder, { recursive: true });
  if (made !== undefined) await chmod(folder, 0o755);
}

/**
 * True for a folder of `uid` that nobody but root and `uid` can change or replace, by changing a
 * folder above it. Root's must be open to all users, too.
 */
export async function isSafe(folder: string, uid: number): Promise<boolean> {
  if ((await lstat(folder)).uid !== uid) return false;

  for (let path = folder; ; path = dirname(path)) {
    const { mode, uid: owner } = await lstat(path);
    if (owner !== uid && owner !== 0) return false;
    if ((mode & WRITABLE_BY_OTHERS) !== 0 && (mode & STICKY) === 0) return false;
    if (uid === 0 && (mode & ENTERABLE_BY_ALL) === 0) return false;
    if (path === dirname(path)) return true;
  }
}
