import type { ClientBase } from 'pg';
import { backoffMs, pause } from './backoff.ts';
import type { Database, DatabaseLog } from './connect.ts';
import { reasonOf } from './diagnosis.ts';
import { readMigrations } from './migrations.ts';
import { inspectSchema, isUsable } from './schema-state.ts';
import { emptySlots, layMarker, spendIn } from './spent-tokens.ts';

/** A token that may be used once: its `jti`, `iat` and `exp`, of a token that was verified. */
export interface SpendableToken {
  readonly jti: string;
  /** UNIX seconds. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/**
 * `first`: nobody used it before, and nobody will again. `replayed`: somebody did, or may have: what was
 * used is not known for the time in which it was issued. `unavailable`: nobody can tell.
 */
export type Spent = 'first' | 'replayed' | 'unavailable';

/** Which tokens were used, for all gateways of a database. Never lets one through in doubt. */
export interface ReplayStore {
  /** Uses a token up. Never rejects. */
  spend(token: SpendableToken): Promise<Spent>;
  /** Begins to clear away what is over. Resolves at once. */
  start(): void;
  /** Ends that. Harmless when called twice. */
  stop(): Promise<void>;
}

/** What a replay store works with. */
export interface ReplayStoreOptions {
  readonly database: Database;
  readonly log: DatabaseLog;
  /** Seconds that `iat` may lie ahead of a gateway's clock. Default: 5, and no less. */
  readonly leewaySeconds?: number;
  /** UNIX seconds by this gateway's clock. */
  readonly now?: () => number;
}

/** A handshake waits no longer. */
const DEADLINE_MS = 2_000;
/** Partitions come free two at a time, for 120 s each: each is found several times. */
const TIDY_MS = 30_000;
const LEAST_LEEWAY_SECONDS = 5;

/** The replay store in the schema `postern` (decision 33). */
export function createReplayStore(options: ReplayStoreOptions): ReplayStore {
  const { database, log, now = () => Date.now() / 1000 } = options;
  const leewaySeconds = Math.max(options.leewaySeconds ?? 0, LEAST_LEEWAY_SECONDS);
  const stopping = new AbortController();
  let tidying: Promise<void> | undefined;
  let trusted = false;
  let failing = false;

  const fail = (reason: string): 'unavailable' => {
    // Until it works again it fails for every handshake alike.
    if (!failing) log('replay_store_failed', { reason });
    failing = true;
    // Whoever dropped or replaced the table is found out before the next use.
    trusted = false;
    return 'unavailable';
  };

  const trust = async (lend: Lend): Promise<void> => {
    await requireUsable(lend);
    trusted = true;
  };

  const mark = async (lend: Lend): Promise<void> => {
    const validFrom = await lend((client) => layMarker(client, now(), leewaySeconds));
    if (validFrom !== undefined) log('replay_store_emptied', { validFrom });
  };

  const spend = async (token: SpendableToken): Promise<Spent> => {
    const lend = lenderOf(database);
    try {
      if (!trusted) await trust(lend);
      const outcome = await lend((client) => spendIn(client, token));
      if (outcome === 'unmarked') await mark(lend);
      if (outcome === 'clock') return fail('the clocks of gateway and database are too far apart');
      failing = false;
      return outcome === 'first' ? 'first' : 'replayed';
    } catch (error) {
      return fail(reasonOf(error));
    }
  };

  const tidy = async (): Promise<void> => {
    const lend = lenderOf(database);
    if (!trusted) await trust(lend);
    await mark(lend);
    await lend(emptySlots);
  };

  return {
    spend,
    start: () => {
      tidying ??= repeatUntil(stopping.signal, tidy);
    },
    stop: async () => {
      stopping.abort();
      await tidying;
    },
  };
}

/** A table in a schema of somebody else's could call every token new. */
async function requireUsable(lend: Lend): Promise<void> {
  const state = await lend((client) => inspectSchema(client, readMigrations()));
  if (!isUsable(state)) throw new Error(`the schema postern is ${state.state}`);
}

/** Does it every now and then; sooner, where it failed. */
async function repeatUntil(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  for (let failures = 0; !signal.aborted;) {
    try {
      await work();
      failures = 0;
    } catch {
      // A handshake that meets with it says so; here nobody waits.
      failures += 1;
    }
    await pause(failures === 0 ? TIDY_MS : backoffMs(failures), signal);
  }
}

type Lend = <T>(work: (client: ClientBase) => Promise<T>) => Promise<T>;

/** Lends connections so long as the deadline for all of it together is not over. */
function lenderOf(database: Database): Lend {
  const endMs = performance.now() + DEADLINE_MS;
  return (work) => database.lend(Math.max(1, endMs - performance.now()), work);
}
