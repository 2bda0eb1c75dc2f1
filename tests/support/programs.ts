import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Programs that some tests need and not every computer has, and what they are called. */
const programs = {
  /** By Debian, by Ubuntu, by Google. */
  chromium: ['chromium', 'chromium-browser', 'google-chrome'],
  nginx: ['nginx'],
} as const;

export type Program = keyof typeof programs;

/** The path of a program, or `undefined`. One that its variable names is taken at its word. */
export function findProgram(program: Program): string | undefined {
  const given = process.env[variableFor(program)] ?? '';
  if (given !== '') return given;
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .flatMap((folder) => programs[program].map((name) => join(folder, name)))
    .find(isExecutable);
}

/** Why there is none, for people who look for what to do about it. */
export function whyMissing(program: Program): string {
  return `no ${programs[program].join(', ')} on PATH, and ${variableFor(program)} is not set`;
}

/** Where tests and people say which one to take. */
export function variableFor(program: Program): string {
  return `${program.toUpperCase()}_PATH`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
