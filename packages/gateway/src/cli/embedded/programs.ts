import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';

import type { Account } from './account.ts';
import { explain } from './explain.ts';

/** Enough of what a program said to tell why it failed. */
const KEPT_CHARACTERS = 4096;

/** After a program has ended its last words may still be on their way: this long. */
const LAST_WORDS_MS = 500;

/** Which program to run, and as whom. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** `undefined` is our own. */
  readonly account: Account | undefined;
  /** Gets each line that it writes to its standard error. */
  readonly onLine: (line: string) => void;
}

/** A program that was started. */
export interface Program {
  /** `undefined` when it could not be run. */
  readonly pid: number | undefined;
  hasEnded(): boolean;
  /** Resolves when it has ended and was heard out, with true after a success. */
  readonly ended: Promise<boolean>;
  /** The last of what it said, or why it could not be run. */
  said(): string;
}

/** Runs a program to its end. Throws `POSTERN_EMBEDDED_POSTGRES`, with what it said, when it fails. */
export async function runProgram(command: Command): Promise<void> {
  const program = startProgram(command);
  if (!(await program.ended)) throw explain(program.said());
}

/**
 * Starts a program with nothing of our environment, where PGPORT and the like would change what it
 * does. It gets a process group of its own: Ctrl-C signals all of ours at once, but the gateway has
 * to let go of PostgreSQL before PostgreSQL goes.
 */
export function startProgram({ file, args, account, onLine }: Command): Program {
  const child = spawn(file, args, {
    ...account,
    cwd: '/',
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' },
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });

  let said = '';
  let unfinishedLine = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-KEPT_CHARACTERS);
    const lines = (unfinishedLine + text).split('\n');
    unfinishedLine = lines.pop() ?? '';
    lines.forEach(onLine);
  });
  child.once('error', (error) => (said += error.message));

  // After an uncaught error, or a second Ctrl-C, nobody is there to stop it. Both signals: initdb
  // ignores the first while it waits for a shell, the server waits for its clients at the second.
  const endWithUs = (): void => void (child.kill('SIGINT') && child.kill('SIGTERM'));
  process.once('exit', endWithUs);
  const ended = heardOut(child).finally(() => process.off('exit', endWithUs));

  const hasEnded = (): boolean =>
    child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
  return { pid: child.pid, hasEnded, ended, said: () => said };
}

/** Not just `close`: whatever the program started may hold its end of the pipe open. */
async function heardOut(child: ChildProcess): Promise<boolean> {
  const success = await new Promise<boolean>((settle) => {
    child.once('error', () => settle(false));
    child.once('close', (code) => settle(code === 0));
    child.once('exit', (code) => setTimeout(settle, LAST_WORDS_MS, code === 0).unref());
  });
  child.stderr?.destroy();
  return success;
}
