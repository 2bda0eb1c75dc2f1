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

  if (!(await writeNew(path, own))) {
    const owner = await readFile(path, 'utf8').catch(() => '');
    if (await isAlive(owner)) throw inUse(dataDir, owner);
    await writeFile(path, own);
  }
  return () => rm(path, { force: true });
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
