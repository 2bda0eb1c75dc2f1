import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import { freshDatabase } from '../tests/support/postgres.ts';
import type { Scope } from '../tests/support/postgres.ts';
import { findProgram } from '../tests/support/programs.ts';
import type { Program } from '../tests/support/programs.ts';

/** npm packages that figures depend on. */
const PACKAGES = ['pg', 'ws', 'socket.io', '@socket.io/postgres-adapter'] as const;

/** Programs that they depend on, and what makes each tell its version. */
const PROGRAMS: readonly (readonly [Program, string])[] = [
  ['gcc', '--version'],
  ['nginx', '-v'],
  ['mosquitto', '-h'],
  ['nats-server', '--version'],
];

/** The versions of what is measured, and of what it is held against; of a program that is missing, that it is. */
export async function findVersions(scope: Scope): Promise<Readonly<Record<string, string>>> {
  const { query } = await freshDatabase(scope);
  const [row] = await query('SHOW server_version');
  return {
    PostgreSQL: String(row?.['server_version']),
    ...Object.fromEntries(PACKAGES.map((name) => [name, versionOfPackage(name)])),
    ...Object.fromEntries(PROGRAMS.map(([name, flag]) => [name, versionOfProgram(name, flag)])),
  };
}

/** By the file, which not every package lets others import. */
function versionOfPackage(name: string): string {
  const path = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  const { version }: { version: string } = JSON.parse(readFileSync(path, 'utf8'));
  return version;
}

function versionOfProgram(name: Program, flag: string): string {
  const path = findProgram(name);
  if (path === undefined) return 'missing';
  const { stdout, stderr } = spawnSync(path, [flag], { encoding: 'utf8' });
  return /\d+\.\d+(\.\d+)?/.exec(stdout + stderr)?.[0] ?? 'of unknown version';
}
