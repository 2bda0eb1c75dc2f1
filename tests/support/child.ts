import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { gather } from './evidence-files.ts';
import { keepSecretsOf } from './evidence.ts';
import type { Scope } from './postgres.ts';
import { until } from './wait.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const POSTERN = join(ROOT, 'packages', 'gateway', 'bin', 'postern.js');

/** What a child needs to run, to be measured, and to find a place for temporary files. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'NODE_V8_COVERAGE'] as const;

/** How a process ended: by an exit code or by a signal. */
export interface Exit {
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
}

/** Where and with what a process runs. */
export interface ChildOptions {
  /** Its environment besides {@link INHERITED}: nothing else of ours leaks in. Empty by default. */
  readonly env?: Readonly<Record<string, string>>;
  /** The root of the repository by default. */
  readonly cwd?: string;
  /** A descriptor of ours for its standard output; recorded by default. */
  readonly stdout?: number;
  /** What ends it at the end of the scope: SIGKILL by default. */
  readonly end?: NodeJS.Signals;
  /** What it reads from its standard input; nothing by default. */
  readonly input?: string;
  /** That it prints credentials is its purpose, as it is of `postern token`; false by default. */
  readonly printsCredentials?: boolean;
}

/** A process whose output is recorded. It does not outlive the scope it was started in. */
export class Child {
  readonly #process: ChildProcess;
  #stdout = '';
  #stderr = '';
  #exit: Exit | undefined;

  constructor(process: ChildProcess, { printsCredentials = false }: ChildOptions = {}) {
    this.#process = process;
    const keep = (stream: 'stdout' | 'stderr', text: string): void => {
      if (!printsCredentials) gather('said', text, `${process.pid}-${stream}`);
    };
    process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
      keep('stdout', text);
    });
    process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
      keep('stderr', text);
    });
    process.once('error', (error) => (this.#stderr += error.message));
    process.once('close', (code, signal) => {
      this.#exit = { code: code ?? undefined, signal: signal ?? undefined };
    });
  }

  /** Process id. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** All it has written to its standard output. */
  get stdout(): string {
    return this.#stdout;
  }

  /** All it has written to its standard error, or why it could not be started. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Waits for a whole line, on either stream, that matches. Throws, with its output, when it ends first. */
  line(pattern: RegExp, deadlineMs?: number): Promise<string> {
    const find = (): string | undefined => {
      const lines = [this.#stdout, this.#stderr].flatMap((text) => text.split('\n').slice(0, -1));
      const found = lines.find((line) => pattern.test(line));
      if (found !== undefined || this.#exit === undefined) return found;
      throw new Error(`Ended without a line like ${pattern}:\n${this.#stdout}${this.#stderr}`);
    };
    return until(`a line like ${pattern}`, find, deadlineMs);
  }

  /** Sends a signal. Harmless when it has ended. */
  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Waits for its end. */
  exited(deadlineMs?: number): Promise<Exit> {
    return until(`the end of process ${this.pid}`, () => this.#exit, deadlineMs);
  }
}

/** Starts a program; it is ended at the end of the scope when it still runs. */
export function startChild(
  scope: Scope,
  file: string,
  args: readonly string[],
  options: ChildOptions = {},
): Child {
  const { env = {}, cwd = ROOT, stdout, end = 'SIGKILL', input } = options;
  keepSecretsOf(env);
  const inherited = INHERITED.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const spawned = spawn(file, args, {
    cwd,
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: [input === undefined ? 'ignore' : 'pipe', stdout ?? 'pipe', 'pipe'],
  });
  // A child may end without having read it.
  spawned.stdin?.on('error', () => undefined).end(input);
  const child = new Child(spawned, options);
  scope.after(async () => {
    child.signal(end);
    await child.exited();
  });
  return child;
}

/** Starts the `postern` of this repository with these arguments. */
export function startPostern(scope: Scope, args: readonly string[], options?: ChildOptions): Child {
  return startChild(scope, process.execPath, [POSTERN, ...args], options);
}
