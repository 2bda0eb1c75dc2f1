import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folder where a test run gathers what was said in it and what must not have been; unset: nowhere. */
export const EVIDENCE_FOLDER = 'POSTERN_TEST_EVIDENCE';

/** What is gathered: what gateways and programs wrote, and what must not be in it. */
export type Evidence = 'said' | 'secrets';

const folder = process.env[EVIDENCE_FOLDER];

/** Whether anything is gathered. */
export const isGathering = folder !== undefined;

/** Adds text, whole lines or parts of them in turn, to what one source has given. */
export function gather(what: Evidence, text: string, source: string | number): void {
  if (folder !== undefined) appendFileSync(join(folder, `${what}-${source}`), text);
}

/** Every line that was gathered in a folder, none of them empty. */
export function gathered(where: string, what: Evidence): readonly string[] {
  return readdirSync(where)
    .filter((name) => name.startsWith(`${what}-`))
    .flatMap((name) => readFileSync(join(where, name), 'utf8').split('\n'))
    .filter((line) => line !== '');
}
