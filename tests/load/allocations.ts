import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { inTime } from '../support/wait.ts';

/** What one of something takes. */
export interface Cost {
  /** Bytes of the heap that are allocated, garbage included. */
  readonly bytes: number;
  /** Calls of a socket's `write`. */
  readonly writes: number;
}

/** What is allocated on the way from a notification to its subscribers, and how often is written. */
export interface Allocations {
  /** Of a notification that nobody listens to. */
  readonly notification: Cost;
  /** Of a delivery, each notification in a turn of its own. */
  readonly single: Cost;
  /** Of a delivery, ten notifications a turn. */
  readonly burst: Cost;
}

const SUBJECT = fileURLToPath(new URL('allocation-subject.js', import.meta.url));
const PATIENCE_MS = 60_000;

/** Counts them. Nothing of it depends on how fast the machine is, or on what else it does. */
export async function countAllocations(): Promise<Allocations> {
  const child = fork(SUBJECT, {
    execArgv: ['--expose-gc', '--max-semi-space-size=128', '--min-semi-space-size=128'],
    // Code that is measured for coverage allocates more.
    env: { PATH: process.env['PATH'] },
  });
  const exited = once(child, 'exit');
  const [counted] = await inTime('the figures', once(child, 'message'), PATIENCE_MS);
  await exited;
  return counted;
}
