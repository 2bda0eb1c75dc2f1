import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Scope } from './postgres.ts';

/** A pipe such as a shell makes, of 64 KiB, and not the socket that Node gives its children. */
export interface NamedPipe {
  /** The end to be given to a program. */
  readonly writeEnd: number;
  /** Closes our copy of that end: from then on only the program has it. */
  handedOver(): void;
  /** Everything that is in the pipe just now. */
  read(): string;
  /** Nobody will ever read: whoever writes gets EPIPE. */
  closeReader(): void;
}

/** Makes one, which is gone at the end of the scope. */
export async function namedPipe(scope: Scope): Promise<NamedPipe> {
  const folder = await mkdtemp(join(tmpdir(), 'postern-pipe-'));
  scope.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeEnd = openSync(path, constants.O_WRONLY);
  const closers = new Map([readEnd, writeEnd].map((fd) => [fd, () => closeSync(fd)]));
  const close = (fd: number): void => {
    closers.get(fd)?.();
    closers.delete(fd);
  };
  scope.after(async () => [...closers.keys()].forEach(close));
  return {
    writeEnd,
    handedOver: () => close(writeEnd),
    read: () => readAll(readEnd),
    closeReader: () => close(readEnd),
  };
}

function readAll(fd: number): string {
  const buffer = Buffer.alloc(65_536);
  let text = '';
  try {
    for (let bytes = readSync(fd, buffer); bytes > 0; bytes = readSync(fd, buffer))
      text += buffer.toString('utf8', 0, bytes);
  } catch (error) {
    // EAGAIN: empty, and somebody may still write.
    if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
  }
  return text;
}
