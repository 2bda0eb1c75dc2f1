import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { lintTree } from './lint-tree.ts';
import type { Finding } from './lint-tree.ts';

const src = 'packages/gateway/src';
const client = 'packages/client/src';

/** What is refused, each in a file of its own, and the one rule that is to refuse it. */
const offences = [
  {
    what: 'a promise that nobody awaits',
    path: `${src}/session/floating.ts`,
    text: 'const work = async () => {};\nwork();',
    rule: 'typescript(no-floating-promises)',
  },
  {
    what: 'a promise that nobody awaits in a test',
    path: 'tests/floating.test.ts',
    text: 'const work = async () => {};\nwork();',
    rule: 'typescript(no-floating-promises)',
  },
  {
    what: 'a promise in place of a truth value',
    path: `${src}/session/misused.ts`,
    text: 'const work = async () => true;\nexport const x = work() ? 1 : 2;',
    rule: 'typescript(no-misused-promises)',
  },
  {
    what: 'a switch that forgets a case',
    path: `${src}/session/switch.ts`,
    text: "export function f(x: 'a' | 'b') { switch (x) { case 'a': return 1; }\nreturn 2; }",
    rule: 'typescript(switch-exhaustiveness-check)',
  },
  {
    what: 'any',
    path: `${src}/session/any.ts`,
    text: 'export const x: any = 1;',
    rule: 'typescript(no-explicit-any)',
  },
  {
    what: 'a non-null assertion',
    path: `${src}/session/non-null.ts`,
    text: 'export const f = (x?: string) => x!.length;',
    rule: 'typescript(no-non-null-assertion)',
  },
  {
    what: 'an object in a template: it could be a secret',
    path: `${src}/session/template.ts`,
    text: 'export const f = (x: { y: string }) => `${x}`;',
    rule: 'typescript(restrict-template-expressions)',
  },
  {
    what: 'an empty catch',
    path: `${src}/session/catch.ts`,
    text: 'try { JSON.parse(""); } catch {}',
    rule: 'eslint(no-empty)',
  },
  {
    what: 'a default export',
    path: `${src}/session/default.ts`,
    text: 'export default 1;',
    rule: 'import(no-default-export)',
  },
  {
    what: 'an import cycle',
    path: `${src}/session/cycle.ts`,
    text: "import { y } from './cycle-back.ts';\nexport const x = () => y;",
    rule: 'import(no-cycle)',
  },
  {
    what: 'the other half of that cycle',
    path: `${src}/session/cycle-back.ts`,
    text: "import { x } from './cycle.ts';\nexport const y = () => x;",
    rule: 'import(no-cycle)',
  },
  {
    what: 'process.env',
    path: `${src}/session/env.ts`,
    text: "export const x = process.env['X'];",
    rule: 'node(no-process-env)',
  },
  {
    what: 'process.env in cli/',
    path: `${src}/cli/env.ts`,
    text: "export const x = process.env['X'];",
    rule: 'node(no-process-env)',
  },
  {
    what: 'process.exit',
    path: `${src}/session/exit.ts`,
    text: 'process.exit(1);',
    rule: 'unicorn(no-process-exit)',
  },
  {
    what: 'process.exit in config/sources.ts',
    path: `${src}/config/sources.ts`,
    text: 'process.exit(1);',
    rule: 'unicorn(no-process-exit)',
  },
  {
    what: 'console',
    path: `${src}/session/console.ts`,
    text: "console.log('x');",
    rule: 'eslint(no-console)',
  },
  {
    what: 'a file of 301 lines',
    path: `${src}/session/long-file.ts`,
    text: `export const x = 1;${'\n'.repeat(301)}`,
    rule: 'eslint(max-lines)',
  },
  {
    what: 'a function of 61 lines',
    path: `${src}/session/long-function.ts`,
    text: `export function f() {${'\n'.repeat(60)}}`,
    rule: 'eslint(max-lines-per-function)',
  },
  {
    what: 'a Map in the part of the client that old browsers run',
    path: `${client}/map.ts`,
    text: 'export const x = new Map<string, string>();',
    rule: 'eslint(no-restricted-globals)',
  },
  {
    what: 'Object.assign() there',
    path: `${client}/assign.ts`,
    text: 'export const x = Object.assign({}, { y: 1 });',
    rule: 'eslint(no-restricted-properties)',
  },
  {
    what: 'a method there that came after ES5',
    path: `${client}/find.ts`,
    text: 'export const x = [1].find((y) => y > 0);',
    rule: 'eslint(no-restricted-properties)',
  },
] as const;

/** What comes close and is allowed. */
const harmless = [
  {
    what: 'a promise that is awaited, or left on purpose',
    path: `${src}/session/awaited.ts`,
    text: 'const work = async () => {};\nawait work();\nvoid work();',
  },
  {
    what: 'numbers and texts in a template',
    path: `${src}/session/template.ts`,
    text: 'export const f = (x: number, y: string) => `${x} ${y}`;',
  },
  {
    what: 'process.env in config/sources.ts',
    path: `${src}/config/sources.ts`,
    text: "export const x = process.env['X'];",
  },
  {
    what: 'console and process.exit in cli/',
    path: `${src}/cli/main.ts`,
    text: "console.log('x');\nprocess.exit(1);",
  },
  {
    what: 'process.env outside of the packages',
    path: 'scripts/env.ts',
    text: "export const x = process.env['X'];",
  },
  {
    what: 'a file of 300 lines',
    path: `${src}/session/long-file.ts`,
    text: `export const x = 1;${'\n'.repeat(300)}`,
  },
  {
    what: 'a function of 60 lines',
    path: `${src}/session/long-function.ts`,
    text: `export function f() {${'\n'.repeat(59)}}`,
  },
  {
    what: 'a Map in the part of the client that only new browsers run',
    path: `${client}/client.ts`,
    text: 'export const x = new Map<string, string>();',
  },
  {
    what: 'a describe() of 61 lines in a test, which nobody awaits',
    path: 'tests/long.test.ts',
    text: `import { describe } from 'node:test';\ndescribe('x', () => {${'\n'.repeat(60)}});`,
  },
] as const;

describe('The linter', () => {
  let refused: ReadonlyMap<string, readonly Finding[]>;
  let accepted: ReadonlyMap<string, readonly Finding[]>;
  before(async () => {
    refused = await lintTree({ after }, textsByPath(offences));
    accepted = await lintTree({ after }, textsByPath(harmless));
  });

  for (const { what, path, rule } of offences) {
    it(`refuses ${what}`, () => assert.deepEqual(rulesOf(refused.get(path)), [rule]));
  }
  for (const { what, path } of harmless) {
    it(`accepts ${what}`, () => assert.deepEqual(rulesOf(accepted.get(path)), []));
  }
});

function textsByPath(cases: readonly { path: string; text: string }[]): Record<string, string> {
  return Object.fromEntries(cases.map(({ path, text }) => [path, text]));
}

function rulesOf(findings: readonly Finding[] | undefined): readonly string[] | undefined {
  return findings?.map(({ code }) => code);
}
