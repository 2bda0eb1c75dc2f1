import { execFile } from 'node:child_process';
import { mkdir, rename } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { findProgram, whyMissing } from '../../tests/support/programs.ts';

const ROOT = new URL('../../../', import.meta.url);
const SOURCES = new URL('bench/native/', ROOT);
const BUILT = new URL('build/bench/native/', ROOT);

/** Compiles a program of `bench/native` and returns its path. Throws when there is no compiler. */
export async function compileNative(name: 'floor' | 'listeners'): Promise<string> {
  const gcc = findProgram('gcc');
  if (gcc === undefined) throw new Error(`Cannot compile ${name}.c: ${whyMissing('gcc')}`);
  await mkdir(BUILT, { recursive: true });
  const built = fileURLToPath(new URL(name, BUILT));
  const source = fileURLToPath(new URL(`${name}.c`, SOURCES));
  // Another bench may be running what was compiled before, which cannot be written to then.
  const fresh = `${built}.${process.pid}`;
  await promisify(execFile)(gcc, ['-O2', '-std=c11', '-Wall', '-Wextra', source, '-o', fresh]);
  await rename(fresh, built);
  return built;
}
