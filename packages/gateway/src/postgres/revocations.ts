import type { Client, ClientBase } from 'pg';
import type { Database, DatabaseLog } from './connect.ts';
import { answerWithin } from './connect.ts';
import { pause } from './backoff.ts';
import { codeOf, reasonOf } from './diagnosis.ts';
import type { PrivateListener } from './listen-connection.ts';
import { readMigrations } from './migrations.ts';
import { inspectSchema } from './schema-state.ts';

/** A row of the table. Times are UNIX seconds; `Infinity` is one that never comes. */
export interface RevocationRow {
  readonly kind: 'sub' | 'sid' | 'jti';
  readonly value: string;
  readonly before: number;
  readonly keptUntil: number;
}

/** Told what was read: the whole table, or what has come since. Must not throw. */
export type OnRevocations = (what: 'all' | 'more', rows: readonly RevocationRow[]) => void;

/** What revocations are read with. */
export interface RevocationReaderOptions {
  readonly database: Pick<Database, 'lend'>;
  readonly read: OnRevocations;
  /** Whether a table that is missing is about to be made, and need not be spoken of. */
  readonly migrates: boolean;
  readonly log: DatabaseLog;
}

/** How long the pool has for it. A table of a million rows takes seconds. */
const DEADLINE_MS = 10_000;
/** Who sends one notification after the other costs no more than a reading each such while. */
const PAUSE_MS = 100;
/** How long the connection that listens has, where the pool could not. */
const DETOUR_DEADLINE_MS = 30_000;

/**
 * What was written by transactions that an earlier reading may not have seen, and from where the next one
 * has to go on: one that began earlier may commit later. Runs with whatever `search_path` there is.
 */
const READ = `
  SELECT reading.next::text, known.kind, known.value,
    pg_catalog.date_part('epoch', known.before) AS before,
    pg_catalog.date_part('epoch', known.kept_until) AS "keptUntil"
  FROM (SELECT pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()) AS next) reading
  LEFT JOIN postern.revocation known ON known.changed OPERATOR(pg_catalog.>=) $1::xid8`;

/** Of every transaction that there was. */
const BEGINNING = '0';

/** No table, no schema, no right to read it: revocation is not to be had here. */
const UNAVAILABLE = new Set(['42P01', '3F000', '42501']);

/** Reads what was revoked, on one connection that listens: all of it at first, then what is added. */
export class RevocationReader implements PrivateListener {
  readonly #options: RevocationReaderOptions;
  readonly #over = new AbortController();
  #next = BEGINNING;
  /** Told to look, and not yet looking. */
  #wanted: 'all' | 'more' | undefined;
  #reading: Promise<void> | undefined;

  constructor(options: RevocationReaderOptions) {
    this.#options = options;
  }

  /** What was revoked while nobody listened is in the table. */
  async listening(client: Client): Promise<void> {
    this.#wanted = 'all';
    await (this.#reading = this.#readOn(client));
  }

  /** Anybody can send a notification: it is a reason to look, whatever else it says. */
  async noticed(text: string, client: Client): Promise<void> {
    if (text === 'restored') this.#wanted = 'all';
    else if (text === 'revoked') this.#wanted ??= 'more';
    else return;
    await (this.#reading ??= this.#readOn(client));
  }

  /** What is still being read is of no use any more: it may be older than what the next one has read. */
  lost(): void {
    this.#over.abort();
  }

  /** Until nothing is wanted any more; many words at once are one reading. */
  async #readOn(client: Client): Promise<void> {
    try {
      while (this.#wanted !== undefined && !this.#over.signal.aborted) {
        const what = this.#next === BEGINNING ? 'all' : this.#wanted;
        this.#wanted = undefined;
        await this.#readBy(client, what);
        if (this.#wanted !== undefined) await pause(PAUSE_MS, this.#over.signal);
      }
    } finally {
      this.#reading = undefined;
    }
  }

  /** By the pool: what the connection that listens is busy with holds up notifications. */
  async #readBy(client: Client, what: 'all' | 'more'): Promise<void> {
    try {
      await this.#options.database.lend(DEADLINE_MS, (lent) => this.#read(lent, what));
    } catch {
      // Should it be the server, that fails for this one, too, and whoever listens comes to know.
      await answerWithin(DETOUR_DEADLINE_MS, client, this.#read(client, what));
    }
  }

  async #read(client: ClientBase, what: 'all' | 'more'): Promise<void> {
    if (what === 'all' && !(await this.#isTrusted(client))) return;
    const since = what === 'all' ? BEGINNING : this.#next;
    try {
      const { rows } = await client.query<Reading>(READ, [since]);
      if (this.#over.signal.aborted) return;
      this.#next = rows[0]?.next ?? BEGINNING;
      this.#options.read(what, rows.filter(isRow));
    } catch (error) {
      const code = codeOf(error);
      if (code === undefined || !UNAVAILABLE.has(code)) throw error;
      this.#next = BEGINNING;
      const isMissing = code !== '42501';
      if (!isMissing || !this.#options.migrates) this.#say(reasonOf(error));
    }
  }

  /** A table of somebody else's could be a view, which does what its owner likes with our rights. */
  async #isTrusted(client: ClientBase): Promise<boolean> {
    const { state } = await inspectSchema(client, readMigrations());
    if (state === 'foreign') this.#say('the schema postern is foreign');
    return state !== 'foreign';
  }

  #say(reason: string): void {
    this.#options.log('revocation_unavailable', { reason });
  }
}

/** A row, or nothing but the place to go on from. */
type Reading = { readonly next: string } & (RevocationRow | { readonly kind: null });

function isRow(reading: Reading): reading is Reading & RevocationRow {
  return reading.kind !== null;
}
