import type { ClientBase } from 'pg';
import { pause } from './backoff.ts';
import type { Database, DatabaseLog } from './connect.ts';
import { reasonOf } from './diagnosis.ts';
import { LONGEST_ENVELOPE_BYTES } from './envelope.ts';
import type { Tables } from './notifier.ts';

/** What long texts are fetched with. */
export interface LongPayloadsOptions {
  readonly database: Pick<Database, 'lend'>;
  /** The database channel. */
  readonly channel: string;
  readonly tables: Tables;
  /** Told of each text that was wanted, once, unless it was dropped; undefined: it cannot be had. */
  readonly arrived: (id: string, text: string | undefined) => void;
  readonly log: DatabaseLog;
  /** How long a text is looked for, at the most. Default: 20 s. */
  readonly patienceMs?: number;
}

/** So many are fetched at once: as each may have a megabyte, that is what an answer may take. */
const AT_ONCE = 16;
const DEADLINE_MS = 5_000;
const PATIENCE_MS = 20_000;
/** How soon it is tried again. */
const PAUSE_MS = 250;

/** What does not belong to this database channel is none of ours. Runs with whatever `search_path` there is. */
const FETCH = `
  SELECT payload.id::text, payload.text FROM postern.payload
  WHERE payload.id OPERATOR(pg_catalog.=) ANY ($1::uuid[])
    AND payload.database_channel OPERATOR(pg_catalog.=) $2
    AND pg_catalog.octet_length(payload.text) OPERATOR(pg_catalog.<=) ${LONGEST_ENVELOPE_BYTES}`;

/** Fetches texts that NOTIFY does not carry: each once, those that wait together, in the order of their references. */
export class LongPayloads {
  readonly #options: LongPayloadsOptions;
  readonly #stopping = new AbortController();
  /** By id, until when it is looked for. */
  readonly #wanted = new Map<string, number>();
  #fetching: Promise<void> | undefined;

  constructor(options: LongPayloadsOptions) {
    this.#options = options;
  }

  /** Fetches a text. */
  want(id: string): void {
    if (this.#stopping.signal.aborted) return;
    const { patienceMs = PATIENCE_MS } = this.#options;
    this.#wanted.set(id, performance.now() + patienceMs);
    this.#fetching ??= this.#fetchAll();
  }

  /** Nobody wants anything any more. */
  drop(): void {
    this.#wanted.clear();
  }

  /** Ends it. Harmless when called twice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.drop();
    await this.#fetching;
  }

  async #fetchAll(): Promise<void> {
    // Those that come in the same turn of the loop are fetched together.
    await Promise.resolve();
    while (this.#wanted.size > 0) await this.#fetchSome([...this.#wanted.keys()].slice(0, AT_ONCE));
    this.#fetching = undefined;
  }

  async #fetchSome(ids: readonly string[]): Promise<void> {
    const { database, tables } = this.#options;
    try {
      if (tables.state === 'unknown') await this.#known();
      if (tables.state === 'unusable') return this.#giveUp(ids, 'the table cannot be used');
      const texts = await database.lend(DEADLINE_MS, (client) => this.#read(client, ids));
      this.#giveUp(
        ids.filter((id) => !texts.has(id)),
        'not found',
      );
      for (const [id, text] of texts) this.#tell(id, text);
    } catch (error) {
      if (tables.failed(error)) return this.#giveUp(ids, reasonOf(error));
      const now = performance.now();
      this.#giveUp(
        ids.filter((id) => (this.#wanted.get(id) ?? Infinity) <= now),
        reasonOf(error),
      );
      await pause(PAUSE_MS, this.#stopping.signal);
    }
  }

  async #read(client: ClientBase, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const { rows } = await client.query<{ readonly id: string; readonly text: string }>({
      name: 'postern_payload',
      text: FETCH,
      values: [ids, this.#options.channel],
    });
    return new Map(rows.map(({ id, text }) => [id, text]));
  }

  /** Waits for word of the tables, but no longer than a fetch may take. */
  async #known(): Promise<void> {
    const over = new AbortController();
    const signal = AbortSignal.any([this.#stopping.signal, over.signal]);
    await Promise.race([this.#options.tables.known(), pause(DEADLINE_MS, signal)]);
    over.abort();
    if (this.#options.tables.state === 'unknown') throw new Error('no word of the tables');
  }

  #giveUp(ids: readonly string[], reason: string): void {
    const lost = ids.filter((id) => this.#wanted.has(id));
    if (lost.length === 0) return;
    this.#options.log('payload_lost', { reason, messages: lost.length });
    for (const id of lost) this.#tell(id, undefined);
  }

  /** What was dropped meanwhile is of no use to anybody. */
  #tell(id: string, text: string | undefined): void {
    if (this.#wanted.delete(id)) this.#options.arrived(id, text);
  }
}
