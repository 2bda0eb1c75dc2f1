import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { plotsOf } from './plots.ts';
import type { BenchReport } from './report.ts';

const FOLDER = new URL('../../../bench/results/', import.meta.url);

/** Where each run leaves its figures, unless it is told otherwise. */
export const LATEST = fileURLToPath(new URL('latest.json', FOLDER));

/** The figures that docs/performance.md shows. */
export const PUBLISHED = fileURLToPath(new URL('published.json', FOLDER));

/** Writes a report as JSON. */
export function writeReport(path: string, report: BenchReport): void {
  writeFileSync(path, `${JSON.stringify(report, undefined, 2)}\n`);
}

/** The published figures; undefined before the first are. */
export function publishedReport(): BenchReport | undefined {
  return existsSync(PUBLISHED) ? JSON.parse(readFileSync(PUBLISHED, 'utf8')) : undefined;
}

/** Writes the plots of a report, each to a file of its own. */
export function writePlots(folder: string, report: BenchReport): void {
  for (const [name, plot] of Object.entries(plotsOf(report)))
    writeFileSync(join(folder, name), plot);
}
