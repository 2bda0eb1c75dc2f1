import type { ClientBase } from 'pg';
import { backoffMs, rest } from './backoff.ts';
import type { Database, DatabaseLog } from './connect.ts';
import { readMigrations } from './migrations.ts';
import { missingRights } from './rights.ts';
import { FORBIDDEN, hindranceBy, hindranceIn } from './schema-hindrance.ts';
import type { Hindrance } from './schema-hindrance.ts';
import { inspectSchema, OWN_NAMES } from './schema-state.ts';

/** What the tables for publishing are looked after with. */
export interface PublicationTablesOptions {
  readonly database: Pick<Database, 'lend'>;
  /** Whether tables that are missing are about to be made, and need not be spoken of. */
  readonly migrates: boolean;
  readonly log: DatabaseLog;
  /** How long to wait for what somebody has to mend, at the most. Default: 30 s. */
  readonly mendedMs?: number;
  /** How often what is over is cleared away. Default: once a minute. */
  readonly tidyMs?: number;
}

const DEADLINE_MS = 10_000;
const MENDED_MS = 30_000;
const TIDY_MS = 60_000;

/** What is over is cleared away so many rows at a time, so that no transaction of it is long. */
const CHUNK_ROWS = 5_000;
/** So often in a row, at the most. */
const CHUNKS = 20;
const MORE_MS = 1_000;

const TABLES: readonly string[] = ['postern.publication_key', 'postern.payload'];

/** A row that another gateway is just clearing away is not waited for. */
const FORGET_KEYS = `
  DELETE FROM postern.publication_key WHERE key IN (
    SELECT key FROM postern.publication_key
    WHERE used_at < clock_timestamp() - interval '10 minutes'
    ORDER BY used_at LIMIT ${CHUNK_ROWS} FOR UPDATE SKIP LOCKED)`;

/** Every gateway has long had time to fetch it. One that was written in a long transaction is new when that is over. */
const FORGET_PAYLOADS = `
  DELETE FROM postern.payload WHERE id IN (
    SELECT id FROM postern.payload
    WHERE written_at < clock_timestamp() - interval '5 minutes'
      AND (pg_visible_in_snapshot(writer, $1::pg_snapshot) OR written_at < clock_timestamp() - interval '1 day')
    ORDER BY written_at LIMIT ${CHUNK_ROWS} FOR UPDATE SKIP LOCKED)`;

/** Which transactions are over. */
const SNAPSHOT = 'SELECT pg_catalog.pg_current_snapshot()::text AS snapshot';

const BEGIN = `
  BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;
  ${OWN_NAMES};
  SET LOCAL lock_timeout TO '500ms';
  SET LOCAL statement_timeout TO '5s';
  SET LOCAL idle_in_transaction_session_timeout TO '5s'`;

/** The tables that some messages need: whether they may be used, and what is over in them cleared away. */
export class PublicationTables {
  readonly #options: PublicationTablesOptions;
  readonly #stopping = new AbortController();
  readonly #looked: Promise<void>;
  #hasLooked: () => void = () => undefined;
  #state: 'unknown' | 'usable' | 'unusable' = 'unknown';
  #tending: Promise<void> | undefined;
  #failures = 0;
  #said = false;
  /** What was over when it was tidied last: by now everybody has seen it. */
  #snapshot: string | undefined;

  constructor(options: PublicationTablesOptions) {
    this.#options = options;
    this.#looked = new Promise((resolve) => (this.#hasLooked = resolve));
  }

  /** Whether they may be used. */
  get state(): 'unknown' | 'usable' | 'unusable' {
    return this.#state;
  }

  /** Resolves when that is known: some time after {@link start}. */
  known(): Promise<void> {
    return this.#looked;
  }

  /** Somebody who used them has failed. Returns whether that is due to them: then they are not used any more. */
  failed(error: unknown): boolean {
    const hindrance = hindranceBy(error);
    if (hindrance.kind !== 'lasting') return false;
    this.#hinder(hindrance);
    return true;
  }

  /** Resolves after the first look, whatever came of it; the others are in the background. */
  async start(): Promise<void> {
    const pauseMs = await this.#round();
    this.#tending = this.#tend(pauseMs);
  }

  /** Harmless when called twice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#tending;
    this.#hasLooked();
  }

  async #tend(firstMs: number): Promise<void> {
    const { signal } = this.#stopping;
    for (let pauseMs = firstMs; !signal.aborted; pauseMs = await this.#round()) {
      await rest(pauseMs, signal);
      if (signal.aborted) return;
    }
  }

  /** Looks at the tables, or tidies them, and returns how long to wait then. Never rejects. */
  async #round(): Promise<number> {
    const { mendedMs = MENDED_MS, tidyMs = TIDY_MS } = this.#options;
    const hindrance = await this.#attempt();
    if (hindrance === undefined || hindrance === 'more') {
      this.#failures = 0;
      return hindrance === 'more' ? MORE_MS : tidyMs * (1 - Math.random() / 4);
    }
    this.#failures += 1;
    if (hindrance.kind !== 'passing') this.#hinder(hindrance);
    return hindrance.kind === 'lasting'
      ? mendedMs * (1 - Math.random() / 2)
      : backoffMs(this.#failures);
  }

  async #attempt(): Promise<Hindrance | 'more' | undefined> {
    try {
      return await this.#options.database.lend(DEADLINE_MS, async (client) => {
        if (this.#state === 'usable') return await this.#tidy(client);
        const hindrance = await this.#look(client);
        if (hindrance === undefined) this.#settle('usable');
        return hindrance;
      });
    } catch (error) {
      return hindranceBy(error);
    }
  }

  /** Tables of somebody else's could be anything. */
  async #look(client: ClientBase): Promise<Hindrance | undefined> {
    const schema = await inspectSchema(client, readMigrations());
    const hindrance = hindranceIn(schema, this.#options);
    if (hindrance !== undefined) return hindrance;
    const missing = await missingRights(client);
    return missing.some((table) => TABLES.includes(table)) ? FORBIDDEN : undefined;
  }

  #hinder({ reason, mend, kind }: Hindrance): void {
    this.#settle('unusable');
    if (kind === 'awaited' || this.#said) return;
    this.#said = true;
    this.#options.log('publication_tables_unavailable', { reason, mend });
  }

  #settle(state: 'usable' | 'unusable'): void {
    this.#state = state;
    if (state === 'usable') this.#said = false;
    this.#hasLooked();
  }

  async #tidy(client: ClientBase): Promise<'more' | undefined> {
    const { rows } = await client.query<{ readonly snapshot: string }>(SNAPSHOT);
    const snapshot = this.#snapshot;
    const more = [
      snapshot === undefined ? undefined : await forget(client, FORGET_PAYLOADS, [snapshot]),
      await forget(client, FORGET_KEYS, []),
    ].find((one) => one !== undefined);
    if (more === undefined || snapshot === undefined) this.#snapshot = rows[0]?.snapshot;
    return more;
  }
}

async function forget(
  client: ClientBase,
  sql: string,
  values: readonly string[],
): Promise<'more' | undefined> {
  for (let chunk = 0; chunk < CHUNKS; chunk += 1) {
    await client.query(BEGIN);
    const { rowCount } = await client.query(sql, [...values]);
    await client.query('COMMIT');
    if (rowCount !== CHUNK_ROWS) return undefined;
  }
  return 'more';
}
