import type { Loaded } from '../../config/load.ts';
import type { Environment } from '../../config/sources.ts';
import type { Database } from '../../postgres/connect.ts';
import type { ServerFacts } from '../../postgres/inspection.ts';

/** What is known once the configuration could be read. */
export interface Configured extends Loaded {
  /** As given: which options were named by which files. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly environment: Environment;
}

/** What is known once the database could be asked. */
export interface Reached {
  readonly configured: Configured;
  readonly database: Database;
  readonly facts: ServerFacts;
}
