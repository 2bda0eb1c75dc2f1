import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import type { BenchReport } from './report.ts';

/** Where each run leaves its figures, unless it is told otherwise. */
export const LATEST = fileURLToPath(new URL('../../../bench/results/latest.json', import.meta.url));

/** Writes a report as JSON. */
export function writeReport(path: string, report: BenchReport): void {
  writeFileSync(path, `${JSON.stringify(report, undefined, 2)}\n`);
}
