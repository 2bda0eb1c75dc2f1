import { createHash } from 'node:crypto';
import {
  access,
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readlink,
  realpath,
  rename,
  rm,
  rmdir,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

import { GatewayError } from '../../errors.ts';
import type { Account } from './account.ts';
import { makeFolder, ownFolder } from './own-folder.ts';
import { runProgram } from './programs.ts';

const UNFINISHED = '.unfinished-';

/** The data of one server. */
export interface DataFolder {
  /** Where it is wanted; a link where it lies elsewhere. */
  readonly path: string;
  /** Where it really lies. */
  readonly dataDir: string;
  /** Whose it is; `undefined` is our own account. */
  readonly account: Account | undefined;
}

/** How the data is made. */
export interface Making {
  /** The program. */
  readonly initdb: string;
  /** Of the superuser `postgres`; one line. */
  readonly password: string;
  /** False saves the wait for the disk, for data that need not outlive a crash of the machine. */
  readonly durable: boolean;
  readonly onLog: (line: string) => void;
}

/**
 * Decides where the data wanted at `wanted` lies. Another account may be unable to get there (a
 * checkout in /root), so its data lies in a folder of ours, named for `wanted`.
 */
export async function placeData(wanted: string, account: Account | undefined): Promise<DataFolder> {
  const parent = dirname(resolve(wanted));
  await mkdir(parent, { recursive: true });
  const path = join(await realpath(parent), basename(wanted));
  if (account === undefined) return { path, dataDir: path, account };

  const folder = join(await ownFolder(), 'data');
  await makeFolder(folder);
  const name = createHash('sha256').update(path).digest('hex').slice(0, 16);
  return { path, dataDir: join(folder, name), account };
}

/** Makes the data unless it is there. It appears in one step: data that is there is whole. */
export async function ensureData(folder: DataFolder, making: Making): Promise<void> {
  await refuseForeign(folder);
  if (await isThere(folder)) return;

  const { path, dataDir, account } = folder;
  await removeUnfinished(dataDir);
  const unfinished = await mkdtemp(`${dataDir}${UNFINISHED}`);
  try {
    await chmod(unfinished, 0o711);
    const made = await makeData(unfinished, account, making);
    // Whoever removed the link to start anew cannot have meant the old data to come back.
    if (path !== dataDir) await rm(dataDir, { recursive: true, force: true });
    await rename(made, dataDir);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  if (path !== dataDir) await linkTo(dataDir, path);
}

/**
 * Removes what killed runs left half made. The initdb of one may still be at work there, which is
 * why each attempt has a folder of its own, and why removing may take more than one try.
 */
async function removeUnfinished(dataDir: string): Promise<void> {
  const folder = dirname(dataDir);
  for (const name of await readdir(folder)) {
    if (!name.startsWith(basename(dataDir) + UNFINISHED)) continue;
    await rm(join(folder, name), { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

/** Throws when something is in the way that we did not make: it is never removed. */
async function refuseForeign({ path, account }: DataFolder): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (account === undefined && found.uid === process.getuid?.()) return;
  if (account !== undefined && found.isSymbolicLink()) return;

  const removed =
    account !== undefined &&
    (await rmdir(path).then(
      () => true,
      () => false,
    ));
  if (removed) return;
  throw new GatewayError('POSTERN_EMBEDDED_POSTGRES', {
    detail: `${path} was made by another account. Start postern as that account, or remove the folder to start with new data.`,
  });
}

async function isThere({ path, dataDir }: DataFolder): Promise<boolean> {
  if (path !== dataDir && (await readlink(path).catch(() => undefined)) !== dataDir) return false;
  return access(join(dataDir, 'PG_VERSION')).then(
    () => true,
    () => false,
  );
}

async function makeData(
  folder: string,
  account: Account | undefined,
  { initdb, password, durable, onLog }: Making,
): Promise<string> {
  const [data, passwordFile] = [join(folder, 'data'), join(folder, 'password')];
  await mkdir(data, { mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600, flag: 'wx' });
  if (account !== undefined) {
    await Promise.all([data, passwordFile].map((path) => chown(path, account.uid, account.gid)));
  }

  const options = [
    '--username=postgres',
    `--pwfile=${passwordFile}`, // An argument could be read by all users of the machine.
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
    ...(durable ? [] : ['--no-sync']),
  ];
  await runProgram({ file: initdb, args: ['-D', data, ...options], account, onLine: onLog });
  return data;
}

async function linkTo(dataDir: string, path: string): Promise<void> {
  await rm(path, { force: true });
  await symlink(dataDir, path);
}
