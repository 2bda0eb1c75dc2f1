import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { lintTree } from './lint-tree.ts';
import type { Finding } from './lint-tree.ts';

const src = 'packages/gateway/src';

/** Everything that a file could ask for, as those in a folder of the gateway see it. */
const everything = [
  './x.ts',
  './../cli/x.ts',
  '../auth/x.ts',
  '../cli/x.ts',
  '../config/x.ts',
  '../errors.ts',
  '../gateway.ts',
  '../http/x.ts',
  '../hub/x.ts',
  '../index.ts',
  '../lifecycle.ts',
  '../observe/x.ts',
  '../postgres/x.ts',
  '../session/x.ts',
  '@postern/client',
  '@postern/client/protocol',
  'express',
  'fs',
  'jose',
  'jose/errors',
  'node:fs',
  'node:fs/promises',
  'node:module',
  'node:process',
  'pg',
  'pino',
  'pino-pretty',
  'prom-client',
  'proxy-addr',
  'react',
  'send',
  'ws',
  'zod',
];

const folders = everything.filter((path) => path.startsWith('../') && !path.endsWith('index.ts'));
const layer0 = ['@postern/client/protocol', 'node:fs', 'node:fs/promises'];
const layer1 = ['./x.ts', '../errors.ts', '../lifecycle.ts', ...layer0];
const layer2 = ['../auth/x.ts', '../hub/x.ts', '../observe/x.ts', '../postgres/x.ts', ...layer1];
const layer3 = ['../session/x.ts', ...layer2];
const belowCli = ['../config/x.ts', '../gateway.ts', '../http/x.ts', ...layer3];

/** What of it each may import. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  [`${src}/auth/a.ts`]: [...layer1, 'jose/errors'],
  [`${src}/hub/a.ts`]: layer1,
  [`${src}/postgres/a.ts`]: [...layer1, 'pg'],
  [`${src}/observe/a.ts`]: [...layer1, 'pino', 'pino-pretty', 'prom-client'],
  [`${src}/observe/log.ts`]: [...layer1, 'node:module', 'pino', 'pino-pretty'],
  [`${src}/config/a.ts`]: layer1,
  [`${src}/session/a.ts`]: layer2,
  [`${src}/http/a.ts`]: [...layer3, 'send'],
  [`${src}/http/upgrade.ts`]: [...layer3, 'ws'],
  [`${src}/http/client-ip.ts`]: [...layer3, 'proxy-addr'],
  [`${src}/cli/a.ts`]: [...belowCli, '../cli/x.ts', 'jose'],
  'packages/client/src/a.ts': ['./x.ts'],
  'packages/client/src/react/a.ts': ['./x.ts', ...folders, 'react'],
};

/** The same for files beside the folders, whose imports start with `./` throughout. */
const mayImportBeside: Readonly<Record<string, readonly string[]>> = {
  [`${src}/errors.ts`]: ['../errors.ts', '../lifecycle.ts', ...layer0],
  [`${src}/lifecycle.ts`]: ['../errors.ts', '../lifecycle.ts', ...layer0],
  [`${src}/gateway.ts`]: belowCli,
  [`${src}/index.ts`]: belowCli,
};

/** The ways to import: none of them is a way round. */
const ways = [
  (path: string) => `import '${path}';`,
  (path: string, n: number) => `import type { X${n} } from '${path}';`,
  (path: string) => `export * from '${path}';`,
  (path: string) => `await import('${path}');`,
];

describe('The linter', () => {
  let findings: ReadonlyMap<string, readonly Finding[]>;
  before(async () => {
    const files = [
      ...Object.keys(mayImport).map((path) => [path, importing(everything)]),
      ...Object.keys(mayImportBeside).map((path) => [path, importing(everything.map(beside))]),
    ];
    findings = await lintTree({ after }, Object.fromEntries(files));
  });

  for (const [path, allowed] of Object.entries(mayImport)) {
    it(`lets ${path} import its layers, its third parties and nothing else`, () => {
      assert.deepEqual(accepted(everything, findings.get(path)), allowed.toSorted());
    });
  }
  for (const [path, allowed] of Object.entries(mayImportBeside)) {
    it(`lets ${path} import its layers and nothing else`, () => {
      const all = everything.map(beside);
      assert.deepEqual(accepted(all, findings.get(path)), allowed.map(beside).toSorted());
    });
  }
});

function beside(path: string): string {
  return path.replace(/^\.\.\//, './');
}

function importing(paths: readonly string[]): string {
  return ways.flatMap((way) => paths.map((path, n) => way(path, n))).join('\n');
}

/** What is accepted in every way, sorted; what is accepted in some ways only says so. */
function accepted(paths: readonly string[], findings: readonly Finding[] = []): readonly string[] {
  const messages = findings
    .filter(({ code }) => code === 'eslint(no-restricted-imports)')
    .map(({ message }) => message);
  return paths
    .map((path) => ({
      path,
      refusals: messages.filter((message) => message.startsWith(`'${path}' import is restricted`)),
    }))
    .filter(({ refusals }) => refusals.length < ways.length)
    .map(({ path, refusals }) =>
      refusals.length === 0 ? path : `${path}, refused in ${refusals.length} ways only`,
    )
    .toSorted();
}
