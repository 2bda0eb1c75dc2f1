import type { Client, ClientBase } from 'pg';
import { pause } from './backoff.ts';
import type { Database } from './connect.ts';
import { answerWithin } from './connect.ts';
import { codeOf, reasonOf } from './diagnosis.ts';
import type { PrivateListener } from './listen-connection.ts';
import { readMigrations } from './migrations.ts';
import { inspectSchema } from './schema-state.ts';

/** All of it; or what has come since it was read last. */
export type Extent = 'all' | 'more';

/** A table in the schema `postern` that somebody is told to look at. */
export interface FollowedTable {
  /** What is said on the private channel when it has changed, and how much is to be read then. */
  readonly words: Readonly<Record<string, Extent>>;
  /** Reads, and tells what it has read unless `over` is aborted meanwhile. */
  read(client: ClientBase, what: Extent, over: AbortSignal): Promise<void>;
  /** It is not there, or not to be read, or not to be trusted. */
  unavailable(reason: string, kind: 'missing' | 'forbidden'): void;
}

/** How long the pool has for it. A table of a million rows takes seconds. */
const DEADLINE_MS = 10_000;
/** Who sends one notification after the other costs no more than a reading each such while. */
const PAUSE_MS = 100;
/** How long the connection that listens has, where the pool could not. */
const DETOUR_DEADLINE_MS = 30_000;

/** No table, no schema, no right to read it. */
const UNAVAILABLE = new Set(['42P01', '3F000', '42501']);

/** Follows a table on one connection that listens: reads it at first, and whenever somebody says so. */
export class TableFollower implements PrivateListener {
  readonly #database: Pick<Database, 'lend'>;
  readonly #table: FollowedTable;
  readonly #over = new AbortController();
  #hasRead = false;
  /** Told to look, and not yet looking. */
  #wanted: Extent | undefined;
  #reading: Promise<void> | undefined;

  constructor(database: Pick<Database, 'lend'>, table: FollowedTable) {
    this.#database = database;
    this.#table = table;
  }

  /** What was written while nobody listened is in the table. */
  async listening(client: Client): Promise<void> {
    this.#wanted = 'all';
    await (this.#reading = this.#readOn(client));
  }

  /** Anybody can send a notification: it is a reason to look, whatever else it says. */
  async noticed(text: string, client: Client): Promise<void> {
    const { words } = this.#table;
    const extent = Object.hasOwn(words, text) ? words[text] : undefined;
    if (extent === undefined) return;
    if (this.#wanted !== 'all') this.#wanted = extent;
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
        const what = this.#hasRead ? this.#wanted : 'all';
        this.#wanted = undefined;
        await this.#readBy(client, what);
        if (this.#wanted !== undefined) await pause(PAUSE_MS, this.#over.signal);
      }
    } finally {
      this.#reading = undefined;
    }
  }

  /** By the pool: what the connection that listens is busy with holds up notifications. */
  async #readBy(client: Client, what: Extent): Promise<void> {
    try {
      await this.#database.lend(DEADLINE_MS, (lent) => this.#read(lent, what));
    } catch {
      // Should it be the server, that fails for this one, too, and whoever listens comes to know.
      await answerWithin(DETOUR_DEADLINE_MS, client, this.#read(client, what));
    }
  }

  async #read(client: ClientBase, what: Extent): Promise<void> {
    if (what === 'all' && !(await this.#isTrusted(client))) return;
    try {
      await this.#table.read(client, what, this.#over.signal);
      this.#hasRead = true;
    } catch (error) {
      const code = codeOf(error);
      if (code === undefined || !UNAVAILABLE.has(code)) throw error;
      this.#hasRead = false;
      this.#table.unavailable(reasonOf(error), code === '42501' ? 'forbidden' : 'missing');
    }
  }

  /** A table of somebody else's could be a view, which does what its owner likes with our rights. */
  async #isTrusted(client: ClientBase): Promise<boolean> {
    const { state } = await inspectSchema(client, readMigrations());
    if (state === 'foreign') this.#table.unavailable('the schema postern is foreign', 'forbidden');
    return state !== 'foreign';
  }
}

/** Hands on what is said, and has nothing to make up for. */
export function hearing(noticed: (text: string) => void): PrivateListener {
  return {
    listening: () => Promise.resolve(),
    noticed: async (text) => noticed(text),
    lost: () => undefined,
  };
}

/** Listeners that share one connection; each reads after those before it when it begins. */
export function listenTogether(listeners: readonly PrivateListener[]): PrivateListener {
  return {
    listening: async (client) => {
      for (const listener of listeners) await listener.listening(client);
    },
    noticed: async (text, client) => {
      await Promise.all(listeners.map((listener) => listener.noticed(text, client)));
    },
    lost: () => {
      for (const listener of listeners) listener.lost();
    },
  };
}
