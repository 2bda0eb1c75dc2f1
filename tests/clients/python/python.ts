import assert from 'node:assert/strict';

import { startChild } from '../../support/child.ts';
import type { Child } from '../../support/child.ts';
import { codeBlocks, page } from '../../support/pages.ts';
import type { Scope } from '../../support/postgres.ts';
import { findProgram } from '../../support/programs.ts';
import { until } from '../../support/wait.ts';

/** What the page on other clients has users of Python write. */
const LINES = codeBlocks(page('docs/other-clients.md').text, 'python');

/** What programs of tests have beside it: who tells the test something says it in a line of JSON. */
const OWN_LINES = `
import os
import urllib.request


def tell(what):
    print(json.dumps(what), flush=True)


def option(name):
    return os.environ[name]


def ask_site():
    return urllib.request.urlopen(option("SITE")).read().decode()
`;

/** A program in Python that tells of what it meets with. */
export interface PythonProgram {
  /** The next thing that it tells. Throws, with what it printed, when it ends first. */
  told(deadlineMs?: number): Promise<unknown>;
  /** Waits for its end, which must be a good one. */
  ended(): Promise<void>;
}

/** Runs the lines of the page, and `main`, the body of a coroutine in which they are to be used. */
export function startPython(
  scope: Scope,
  main: string,
  env: Readonly<Record<string, string>>,
): PythonProgram {
  const python = findProgram('python3') ?? assert.fail('no python3 with websockets');
  const body = main.trim().replaceAll(/^/gm, '    ');
  const program = [...LINES, OWN_LINES, `async def main():\n${body}`, 'asyncio.run(main())'];
  const child = startChild(scope, python, ['-X', 'utf8', '-c', program.join('\n\n')], { env });
  let read = 0;
  return {
    told: async (deadlineMs) => {
      const position = read++;
      const line = await until(`line ${position + 1}`, () => lineOf(child, position), deadlineMs);
      return JSON.parse(line);
    },
    ended: async () => {
      const { code } = await child.exited();
      assert.equal(code, 0, child.stderr);
    },
  };
}

/** What was printed last may be a part of a line. */
function lineOf(child: Child, position: number): string | undefined {
  if (child.stderr !== '') throw new Error(child.stderr);
  return child.stdout.split('\n').slice(0, -1)[position];
}
