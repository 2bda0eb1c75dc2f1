/**
 * Loaded into each test process: ends a file that does not end by itself. The runner's own timeout is
 * one per file up to Node 22 and one per test from Node 24 on, and never says what was waited for.
 */
import { getActiveResourcesInfo } from 'node:process';

/** Seconds that a file may take. The longest, which has PostgreSQL away for 40 s, takes a good minute. */
const seconds = Number(process.env['TEST_DEADLINE_SECONDS'] ?? 180);

let timer: NodeJS.Timeout | undefined;
allowFor(1);

/** Lets this process take as long as so many files may. */
export function allowFor(files: number): void {
  // Not the runner itself, which is given the same flags and lives as long as all the files together.
  if (process.env['NODE_TEST_CONTEXT'] === undefined) return;

  clearTimeout(timer);
  timer = setTimeout(end, files * seconds * 1000, files * seconds).unref();
}

function end(allowed: number): void {
  console.error(`Not over after ${allowed} s. Still open: ${getActiveResourcesInfo().join(', ')}`);
  process.exit(1);
}
