import { findProgram, variableFor, whyMissing } from '../tests/support/programs.ts';
import type { Program } from '../tests/support/programs.ts';
import type { TestFile } from './test-files.ts';

/** What the tests of a folder need and not every computer has. */
interface Need {
  readonly program: Program;
  readonly folder: string;
  /** What is left out without it: the files, or what they do with the program. */
  readonly leavesOut: 'files' | 'part';
}

const needs: readonly Need[] = [
  { program: 'chromium', folder: 'tests/browser/', leavesOut: 'files' },
  { program: 'curl', folder: 'tests/clients/curl/', leavesOut: 'files' },
  { program: 'python3', folder: 'tests/clients/python/', leavesOut: 'files' },
  { program: 'gcc', folder: 'tests/load/fan-out', leavesOut: 'files' },
  { program: 'nginx', folder: 'tests/nginx/', leavesOut: 'files' },
  { program: 'nginx', folder: 'tests/conformance/', leavesOut: 'part' },
];

/** What can be run here of what was asked for. */
export interface Selection {
  readonly files: readonly TestFile[];
  /** What cannot, and why: a line each. */
  readonly missing: readonly string[];
  /** Tells the tests where the programs are. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Leaves out what needs a program that is not here. */
export function select(wanted: readonly TestFile[]): Selection {
  const here = needs.filter((need) => wanted.some((file) => isFor(need, file)));
  const found = new Map(here.map(({ program }) => [program, findProgram(program)]));
  const lacking = here.filter(({ program }) => found.get(program) === undefined);
  const fatal = lacking.filter(({ leavesOut }) => leavesOut === 'files');
  const paths = [...found].flatMap(([program, path]) =>
    path === undefined ? [] : [[variableFor(program), path] as const],
  );
  return {
    files: wanted.filter((file) => !fatal.some((need) => isFor(need, file))),
    missing: lacking.map((need) => {
      const count = wanted.filter((file) => isFor(need, file)).length;
      const what = need.leavesOut === 'files' ? '' : `a part of `;
      return `${what}${count} file(s) in ${need.folder}: ${whyMissing(need.program)}.`;
    }),
    environment: Object.fromEntries(paths),
  };
}

function isFor({ folder }: Need, { source }: TestFile): boolean {
  return source.startsWith(folder);
}
