import { randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';

import { GatewayError } from '../../errors.ts';
import { traceProcess } from './processes.ts';

/**
 * Takes a data folder for this process and returns what gives it back: a second start must not take
 * the server of the first for one that was left behind. Throws `POSTERN_EMBEDDED_POSTGRES` while
 * another living process has it.
 */
export async function claim(dataDir: string): Promise<() => Promise<void>> {
  const path = `${dataDir}.owner`;
  const own = `${process.pid} ${(await traceProcess(process.pid))?.startedAt ?? ''}`;

  const owner = await take(path, own);
  if (owner !== undefined) throw inUse(dataDir, owner);
  return () => rm(path, { force: true });
}

/**
 * Makes the file say `own`, unless it names a living owner: resolves to that one then. Of many that
 * find a dead owner's file only the one that takes the file beside it, likewise, may remove it:
 * what the others have read may be gone by then, and the next one's file in its place.
 */
async function take(path: string, own: string): Promise<string | undefined> {
  while (!(await writeNew(path, own))) {
    const owner = await readIfThere(path);
    if (owner === undefined) continue;
    if (await isAlive(owner)) return owner;

    const beside = `${path}.next`;
    const rival = await take(beside, own);
    if (rival !== undefined) return rival;
    if ((await readIfThere(path)) === owner) await rm(path);
    await rm(beside);
  }
  return undefined;
}

/** By a link, for a file that is opened and then written is empty to whoever reads it in between. */
async function writeNew(path: string, text: string): Promise<boolean> {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, text);
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft);
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function isAlive(owner: string): Promise<boolean> {
  const [pid, ...startedAt] = owner.split(' ');
  const trace = await traceProcess(Number(pid));
  return trace !== undefined && trace.startedAt === startedAt.join(' ');
}

function inUse(dataDir: string, owner: string): GatewayError {
  return new GatewayError('POSTERN_EMBEDDED_POSTGRES', {
    detail: `Process ${Number.parseInt(owner, 10)} already runs a server with the data in ${dataDir}. Stop it first, or use another folder.`,
  });
}
