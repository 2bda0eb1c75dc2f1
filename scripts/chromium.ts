import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What it is called by Debian, Ubuntu and Google. */
const names = ['chromium', 'chromium-browser', 'google-chrome'];

/** For people who look for what to do where there is none. */
export const chromiumHint = `none of ${names.join(', ')} on PATH, and CHROMIUM_PATH is not set`;

/** The path of a Chromium, or `undefined`. One that CHROMIUM_PATH names is taken at its word. */
export function findChromium(): string | undefined {
  const { CHROMIUM_PATH: given, PATH: path = '' } = process.env;
  if (given !== undefined && given !== '') return given;
  return path
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
