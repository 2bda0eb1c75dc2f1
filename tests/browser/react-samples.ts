import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { codeBlocks, page, root } from '../support/pages.ts';
import type { Scope } from '../support/postgres.ts';

const run = promisify(execFile);

/** As the projects of those who read the page have it. */
const COMPILER_OPTIONS = {
  target: 'es2022',
  lib: ['es2023', 'dom', 'dom.iterable'],
  module: 'esnext',
  moduleResolution: 'bundler',
  jsx: 'react-jsx',
  types: [],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noEmit: true,
};

/** Writes the samples of docs/react.md where the packages are found, compiles them, and returns the first. */
export async function writeSamples(scope: Scope): Promise<string> {
  const folder = await mkdtemp(join(root, 'build', 'samples-'));
  scope.after(() => rm(folder, { recursive: true }));
  const samples = codeBlocks(page('docs/react.md').text, 'tsx').map((code) => {
    const [, name] = /^\/\/ (\w+\.tsx)\n/.exec(code) ?? [];
    if (name === undefined) throw new Error(`A sample says no name: ${code}`);
    return { path: join(folder, name), code };
  });
  for (const { path, code } of samples) await writeFile(path, code);
  const project = { compilerOptions: COMPILER_OPTIONS, include: ['*.tsx'] };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(project));

  const compiler = createRequire(import.meta.url).resolve('typescript/package.json');
  const tsc = join(compiler, '..', 'bin', 'tsc');
  await run(process.execPath, [tsc, '--project', folder]).catch(({ stdout }) => {
    throw new Error(`A sample of docs/react.md does not compile:\n${stdout}`);
  });
  return samples[0]?.path ?? '';
}
