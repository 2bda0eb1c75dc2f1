import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Where tests are written, and where the build puts them. They run in this order: the short ones come
 * last, so that nobody waits for a long one at the end with nothing left to run beside it.
 */
const folders = [
  { source: 'tests', built: 'build/tests' },
  { source: 'packages/gateway/test', built: 'packages/gateway/build/test' },
  { source: 'packages/client/test', built: 'packages/client/build/test' },
] as const;

/** A file of tests. Paths are relative to the repository, with slashes. */
export interface TestFile {
  readonly source: string;
  readonly built: string;
  /** Unit tests need no PostgreSQL, the others do. */
  readonly isUnit: boolean;
  /** Needs the packages as npm would publish them. */
  readonly needsPacked: boolean;
}

/** Measure at length, with thousands of clients: they run when somebody asks for them by their path. */
const LENGTHY = ['bench', 'fan-out', 'handshakes', 'reconnect-storm', 'sessions', 'soak'].map(
  (name) => `tests/load/${name}.test.ts`,
);

/**
 * The tests whose source contains one of the filters in its path; without any, all but those that take
 * long. Found by their sources: what the build left of a test that was deleted since does not run.
 */
export function findTests(root: string, filters: readonly string[]): readonly TestFile[] {
  return folders
    .flatMap(({ source, built }) =>
      listTests(join(root, source)).map((file) => ({
        source: `${source}/${file}`,
        built: `${built}/${file.replace(/\.ts$/, '.js')}`,
        isUnit: source !== 'tests',
        needsPacked: source === 'tests' && file.startsWith('conformance/'),
      })),
    )
    .filter(({ source }) =>
      filters.length === 0
        ? !LENGTHY.includes(source)
        : filters.some((part) => source.includes(part)),
    );
}

function listTests(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.test.ts'))
    .sort();
}
