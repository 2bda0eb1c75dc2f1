import { execFile } from 'node:child_process';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';

import type { Scope } from '../support/postgres.ts';
import { repository, scratchFolder } from './scratch.ts';

const tsconfig = {
  compilerOptions: {
    module: 'nodenext',
    target: 'es2023',
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    types: ['node'],
  },
};

/** What the linter says of one place. */
export interface Finding {
  readonly filename: string;
  readonly message: string;
  /** The rule, as in `eslint(no-empty)`. */
  readonly code: string;
}

/**
 * Lints files, given by path and text, as if the repository held them and nothing else. Returns what
 * is found, by path. Throws when the linter does not run.
 */
export async function lintTree(
  scope: Scope,
  files: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, readonly Finding[]>> {
  const root = await scratchFolder(scope, {
    files: { ...files, 'tsconfig.json': JSON.stringify(tsconfig) },
    copies: ['oxlint.config.js'],
  });
  await symlink(join(repository, 'node_modules'), join(root, 'node_modules'));
  const findings = await runLinter(root);
  return new Map(
    Object.keys(files).map((path) => [path, findings.filter(({ filename }) => filename === path)]),
  );
}

/** Its exit code says whether it found something; that it ran is known by what it prints. */
function runLinter(root: string): Promise<readonly Finding[]> {
  const args = ['-c', 'oxlint.config.js', '--format=json'];
  const program = join(repository, 'node_modules', '.bin', 'oxlint');
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd: root, maxBuffer: 2 ** 24 }, (_error, stdout, stderr) => {
      try {
        const { diagnostics }: { diagnostics: Finding[] } = JSON.parse(stdout);
        resolve(diagnostics);
      } catch (cause) {
        reject(new Error(`The linter did not run: ${stdout}${stderr}`, { cause }));
      }
    });
  });
}
