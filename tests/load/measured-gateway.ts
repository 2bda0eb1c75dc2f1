import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Scope } from '../support/postgres.ts';
import { environmentFor } from '../support/served.ts';
import type { ServeOptions } from '../support/served.ts';
import { startMeasuredProcess } from './measured-process.ts';
import type { MeasuredProcess } from './measured-process.ts';

/** The program of the package `postern`. */
export const POSTERN = join(
  dirname(fileURLToPath(import.meta.resolve('postern/package.json'))),
  'bin',
  'postern.js',
);

/** Any limit that counts clients by their address or user would count all of them as one. */
const NO_LIMITS = {
  POSTERN_HANDSHAKES_PER_ADDRESS: '0',
  POSTERN_CONNECTIONS_PER_ADDRESS: '0',
  POSTERN_CONNECTIONS_PER_USER: '0',
} as const;

interface MeasuredOptions extends ServeOptions {
  /** URLs of modules that are loaded before the gateway is. */
  readonly imports?: readonly string[];
}

/** Starts `postern serve` in a process that can be measured, and waits until clients are let in. */
export function startMeasured(
  scope: Scope,
  { environment = {}, imports = [], ...database }: MeasuredOptions,
): Promise<MeasuredProcess> {
  return startMeasuredProcess(
    scope,
    [...imports.flatMap((url) => ['--import', url]), POSTERN, 'serve'],
    environmentFor({ ...database, environment: { ...NO_LIMITS, ...environment } }),
  );
}
