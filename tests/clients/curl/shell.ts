import assert from 'node:assert/strict';
import { delimiter, dirname } from 'node:path';

import { startChild } from '../../support/child.ts';
import type { Child, ChildOptions } from '../../support/child.ts';
import { codeBlocks, page } from '../../support/pages.ts';
import type { Scope } from '../../support/postgres.ts';
import { findProgram } from '../../support/programs.ts';

const { text } = page('docs/other-clients.md');
const BLOCKS = [...codeBlocks(text, 'sh'), ...codeBlocks(text, 'bash')];

/** The one block of the page that has this in it. */
export function block(part: string): string {
  const [found, ...others] = BLOCKS.filter((one) => one.includes(part));
  assert.ok(found !== undefined && others.length === 0, part);
  return found;
}

/** Runs lines of a shell, in which curl is the one that the tests are to take. */
export function startShell(scope: Scope, lines: string, options: ChildOptions): Child {
  const curl = findProgram('curl') ?? assert.fail('no curl');
  const PATH = [dirname(curl), process.env['PATH']].join(delimiter);
  return startChild(scope, 'bash', ['-c', lines], { ...options, env: { ...options.env, PATH } });
}
