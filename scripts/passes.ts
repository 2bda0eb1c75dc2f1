import type { TestFile } from './test-files.ts';

/** Files that run in one go, when those of the pass before are through. */
export interface Pass {
  readonly files: readonly TestFile[];
  /** How many of them at a time. */
  readonly concurrency: number;
  /** Of the file with its report. */
  readonly name: string;
}

/** What else runs would show in what these measure, or in whether thousands of clients are in time. */
const EXACTING = [
  'tests/fault/network-to-postgres.test.ts',
  'tests/integration/presence.test.ts',
  'tests/integration/replay-store.test.ts',
  'tests/load/',
  'tests/security/expiry-mass.test.ts',
];

/**
 * In which passes these files run. Most wait for a good part of their time, so that it takes four at a
 * time to use two cores; those that are exacting come last, two at a time.
 */
export function passesOf(files: readonly TestFile[]): readonly Pass[] {
  const exacting = files.filter(isExacting);
  const others = files.filter((file) => !isExacting(file));
  return [
    { files: others, concurrency: 4, name: 'test-report.txt' },
    { files: exacting, concurrency: 2, name: 'test-report-exacting.txt' },
  ].filter((pass) => pass.files.length > 0);
}

function isExacting({ source }: TestFile): boolean {
  return EXACTING.some((path) => source.startsWith(path));
}

/** How the reports of all passes would end if they were one: the counts of all, and what failed. */
export function closingLines(reports: readonly string[]): string {
  const ends = reports.map((report) => /^ℹ tests \d+$[^]*/m.exec(report)?.[0].trimEnd() ?? '');
  const failures = ends.flatMap((end) => /^\S* failing tests:$[^]*/m.exec(end)?.[0] ?? []);
  const counts = new Map<string, number>();
  for (const [, name = '', count] of ends.join('\n').matchAll(/^ℹ (\w+) ([\d.]+)$/gm))
    counts.set(name, (counts.get(name) ?? 0) + Number(count));
  const lines = [...counts].map(([name, count]) => `ℹ ${name} ${count}`);
  return [lines.join('\n'), ...failures].join('\n\n');
}
