import { GatewayError } from '../errors.ts';
import { backoffMs, pause } from './backoff.ts';
import type { Database, DatabaseLog } from './connect.ts';
import { migrate } from './migrate.ts';
import { readMigrations } from './migrations.ts';
import type { Migration } from './migrations.ts';
import { schemaTrouble } from './schema-state.ts';
import type { SchemaState } from './schema-state.ts';

/** Longer than a statement of it may take on the server. */
const DEADLINE_MS = 65_000;

/** What a gateway does about its schema. */
export interface SchemaKeeperOptions {
  readonly database: Database;
  /** Whether it may migrate; otherwise the schema is not even looked at. */
  readonly enabled: boolean;
  readonly log: DatabaseLog;
  /** Default: those of this program. */
  readonly migrations?: readonly Migration[];
}

/**
 * Runs pending migrations once, at the start. Whatever hinders it is logged and ends nothing: what
 * needs the schema finds out by itself, and all else needs none.
 */
export class SchemaKeeper {
  readonly #options: SchemaKeeperOptions;
  readonly #stopping = new AbortController();
  #trying: Promise<void> = Promise.resolve();

  constructor(options: SchemaKeeperOptions) {
    this.#options = options;
  }

  /** Resolves after the first attempt; one that may pass by itself is made again, in the background. */
  async start(): Promise<void> {
    if (!this.#options.enabled || (await this.#attempt())) return;
    this.#trying = this.#tryOn();
  }

  /** Ends the attempts. Harmless when called twice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#trying;
  }

  async #tryOn(): Promise<void> {
    const { signal } = this.#stopping;
    for (let attempt = 2; !signal.aborted; attempt++) {
      await pause(backoffMs(attempt - 1), signal);
      if (signal.aborted || (await this.#attempt())) return;
    }
  }

  /** Returns whether there is an end to it, good or bad. */
  async #attempt(): Promise<boolean> {
    const { database, log, migrations = readMigrations() } = this.#options;
    try {
      const done = await database.lend(DEADLINE_MS, (client) => migrate(client, migrations));
      if (done.outcome === 'busy') return false;
      if (done.outcome === 'migrated')
        log('schema_migrated', { migrations: done.migrations.map(({ name }) => name).join(' ') });
      else this.#say(done.schema);
    } catch (error) {
      if (!(error instanceof GatewayError)) return false;
      log('schema_unusable', { found: error.detail ?? error.message, mend: 'run postern doctor' });
    }
    return true;
  }

  #say(schema: SchemaState): void {
    const { log } = this.#options;
    if (schema.state === 'newer') log('schema_newer', { migration: schema.found });
    const trouble = schemaTrouble(schema);
    if (trouble !== undefined) log('schema_unusable', { ...trouble });
  }
}
