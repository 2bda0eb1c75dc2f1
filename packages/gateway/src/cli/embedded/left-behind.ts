import { constants, open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

import { GatewayError } from '../../errors.ts';
import { shutDown, traceProcess } from './processes.ts';

/** How the command line of every server of ours begins, so that no other is taken for one. */
export function firstArguments(dataDir: string): readonly string[] {
  return ['-D', dataDir, '-c', 'cluster_name=postern'];
}

/**
 * Stops the server that a killed run left behind in `dataDir`. No other process is ever signalled:
 * the id in a stale file may be anybody's by now.
 */
export async function stopLeftBehind(dataDir: string): Promise<void> {
  const file = await openIfThere(join(dataDir, 'postmaster.pid'));
  if (file === undefined) return;
  try {
    await settle(file, dataDir);
  } finally {
    await file.close();
  }
}

/** A link is not followed: root opens this, in a folder that is another account's. */
async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDWR | constants.O_NOFOLLOW);
  } catch {
    return undefined; // No server was left behind, or PostgreSQL itself will say what is wrong.
  }
}

async function settle(file: FileHandle, dataDir: string): Promise<void> {
  const [firstLine = '', ...lines] = (await file.readFile('utf8')).split('\n');
  const pid = Number.parseInt(firstLine, 10);
  const trace = pid > 0 ? await traceProcess(pid) : undefined;
  if (trace === undefined) return;

  const ours = ['/postgres', ...firstArguments(dataDir), ''].join(' ');
  if (!trace.command.includes(ours)) return disown(file, lines);

  const hasEnded = async (): Promise<boolean> =>
    (await traceProcess(pid))?.startedAt !== trace.startedAt;
  if (await shutDown(pid, hasEnded)) return;
  throw new GatewayError('POSTERN_EMBEDDED_POSTGRES', {
    detail: `The server that an earlier run left behind (process ${pid}) does not end. Stop it and start again.`,
  });
}

/**
 * PostgreSQL refuses to start while the id in the file is in use, whoever uses it, but takes the id
 * of its own parent for a stale one. Unlike removing the file this keeps its other guard: the
 * shared memory named there must not be in use.
 */
async function disown(file: FileHandle, otherLines: readonly string[]): Promise<void> {
  if ((await file.stat()).nlink !== 1) return; // A second name for some other file: hands off.
  const text = [process.pid, ...otherLines].join('\n');
  await file.truncate(0);
  await file.write(text, 0);
}
