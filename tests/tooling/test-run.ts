import { startChild } from '../support/child.ts';
import type { Child } from '../support/child.ts';
import type { Scope } from '../support/postgres.ts';
import { scratchFolder } from './scratch.ts';

const copies = [
  'scripts/conformance-report',
  'scripts/deadline',
  'scripts/leaked-secrets',
  'scripts/needs',
  'scripts/passes',
  'scripts/test',
  'scripts/test-files',
  'scripts/shared-processes',
  'tests/support/evidence-files',
  'tests/support/programs',
];

/** In place of the server that takes seconds to start. */
const postgres = `
  import { appendFileSync } from 'node:fs';
  async function stop() {
    console.log('stopping');
    await new Promise((resolve) => setTimeout(resolve, 200));
    appendFileSync('log', 'stopped');
  }
  export async function startSharedServer() {
    appendFileSync('log', 'started ');
    return { environment: { POSTERN_TEST_DATABASE_URL: 'postgres://shared' }, stop };
  }`;

/** Likewise in place of the installation. */
const packed = `
  import { appendFileSync } from 'node:fs';
  const remove = async () => appendFileSync('log', 'removed ');
  export const installPacked = async () =>
    process.env.OFFLINE ? undefined : { folder: '/packed', remove };
  export const sharing = (packed) => ({ POSTERN_TEST_PACKED: packed?.folder ?? '' });`;

/** A test file with one test. */
export const passing = (name: string): string =>
  `import { it } from 'node:test';\nit('${name} passes', () => {});`;

/** A test file that prints a variable. */
export const printing = (variable: string): string =>
  `console.log('<' + process.env['${variable}'] + '>');`;

/** How the runner is started. */
export interface StartOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly printsCredentials?: boolean;
}

/** Runs its tests as `npm test` does. */
export async function start(
  scope: Scope,
  tests: Readonly<Record<string, string>>,
  options?: StartOptions,
): Promise<Child> {
  return startIn(scope, await repository(scope, tests), options);
}

/** Runs the tests of a repository. */
export function startIn(
  scope: Scope,
  root: string,
  { args = [], env = {}, ...rest }: StartOptions = {},
): Child {
  const options = { cwd: root, env: { PATH: '/usr/bin/nothing', ...env }, ...rest };
  return startChild(scope, process.execPath, ['build/scripts/test.js', ...args], options);
}

/** A repository with the real runner and these tests, each beside what the compiler would make of it. */
export function repository(scope: Scope, tests: Readonly<Record<string, string>>): Promise<string> {
  const built = Object.entries(tests).map(([path, text]) => [
    path
      .replace(/^tests\//, 'build/tests/')
      .replace('/test/', '/build/test/')
      .replace('.ts', '.js'),
    text,
  ]);
  return scratchFolder(scope, {
    files: {
      'package.json': '{ "type": "module" }',
      'build/tests/support/postgres.js': postgres,
      'build/tests/support/packed.js': packed,
      ...tests,
      ...Object.fromEntries(built),
    },
    copies: copies.map((path) => `build/${path}.js`),
  });
}
