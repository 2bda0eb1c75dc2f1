import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What a program is called, and by what it is known to be the one that is meant. */
interface Known {
  readonly names: readonly string[];
  /** What it must have beside itself, and the arguments with which it succeeds only then. */
  readonly having?: { readonly what: string; readonly proof: readonly string[] };
}

/** Programs that some tests or benches need and not every computer has. */
const programs = {
  /** By Debian, by Ubuntu, by Google. */
  chromium: { names: ['chromium', 'chromium-browser', 'google-chrome'] },
  curl: { names: ['curl'] },
  gcc: { names: ['gcc'] },
  nginx: { names: ['nginx'] },
  taskset: { names: ['taskset'] },
  mosquitto: { names: ['mosquitto'] },
  'nats-server': { names: ['nats-server'] },
  /** Of several that a computer has, one may know the packages of the system and another not. */
  python3: {
    names: ['python3'],
    having: { what: 'the package websockets', proof: ['-c', 'import websockets'] },
  },
} as const satisfies Readonly<Record<string, Known>>;

export type Program = keyof typeof programs;

/** The path of a program, or `undefined`. One that its variable names is taken at its word. */
export function findProgram(program: Program): string | undefined {
  const given = process.env[variableFor(program)] ?? '';
  if (given !== '') return given;
  const { names, having }: Known = programs[program];
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find((path) => isExecutable(path) && (having === undefined || proves(path, having.proof)));
}

/** Why there is none, for people who look for what to do about it. */
export function whyMissing(program: Program): string {
  const { names, having }: Known = programs[program];
  const what = [names.join(', '), ...(having === undefined ? [] : [having.what])].join(' with ');
  return `no ${what} on PATH, and ${variableFor(program)} is not set`;
}

/** Where tests and people say which one to take. */
export function variableFor(program: Program): string {
  return `${program.toUpperCase().replaceAll('-', '_')}_PATH`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function proves(path: string, proof: readonly string[]): boolean {
  return spawnSync(path, proof, { stdio: 'ignore' }).status === 0;
}
