import type { ClientBase } from 'pg';
import type { DatabaseLog } from './connect.ts';
import type { Extent, FollowedTable } from './table-follower.ts';

/** A row of the table. Times are UNIX seconds; `Infinity` is one that never comes. */
export interface RevocationRow {
  readonly kind: 'sub' | 'sid' | 'jti';
  readonly value: string;
  readonly before: number;
  readonly keptUntil: number;
}

/** Told what was read: the whole table, or what has come since. Must not throw. */
export type OnRevocations = (what: Extent, rows: readonly RevocationRow[]) => void;

/** What revocations are read with. */
export interface RevocationTableOptions {
  readonly read: OnRevocations;
  /** Whether a table that is missing is about to be made, and need not be spoken of. */
  readonly migrates: boolean;
  readonly log: DatabaseLog;
}

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

/** What was revoked, on one connection that listens: all of it at first, then what is added. */
export class RevocationTable implements FollowedTable {
  readonly words = { restored: 'all', revoked: 'more' } as const;
  readonly #options: RevocationTableOptions;
  #next = BEGINNING;

  constructor(options: RevocationTableOptions) {
    this.#options = options;
  }

  async read(client: ClientBase, what: Extent, over: AbortSignal): Promise<void> {
    const since = what === 'all' ? BEGINNING : this.#next;
    const { rows } = await client.query<Reading>(READ, [since]);
    if (over.aborted) return;
    this.#next = rows[0]?.next ?? BEGINNING;
    this.#options.read(what, rows.filter(isRow));
  }

  unavailable(reason: string, kind: 'missing' | 'forbidden'): void {
    const { migrates, log } = this.#options;
    if (kind === 'forbidden' || !migrates) log('revocation_unavailable', { reason });
  }
}

/** A row, or nothing but the place to go on from. */
type Reading = { readonly next: string } & (RevocationRow | { readonly kind: null });

function isRow(reading: Reading): reading is Reading & RevocationRow {
  return reading.kind !== null;
}
