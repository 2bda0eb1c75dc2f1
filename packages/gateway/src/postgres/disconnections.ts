import type { ClientBase } from 'pg';
import type { DatabaseLog } from './connect.ts';
import type { Extent, FollowedTable } from './table-follower.ts';

/** A moment on the two clocks that sessions are held against. */
export interface Moment {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/** A word of an operator's on sessions that are to end. */
export interface Disconnection {
  readonly kind: 'session' | 'sub' | 'sid';
  readonly value: string;
  /** What it is for, in the operator's words. */
  readonly reason: string | undefined;
  /** When it was said, by this gateway's clocks: no earlier than this, and later by no more than an answer takes. */
  readonly asked: Moment;
}

/** What disconnections are read with. */
export interface DisconnectionTableOptions {
  /** Told what is to be done, once. Must not throw. */
  readonly asked: (disconnections: readonly Disconnection[]) => void;
  readonly now: () => Moment;
  /** Whether a table that is missing is about to be made, and need not be spoken of. */
  readonly migrates: boolean;
  readonly log: DatabaseLog;
}

/**
 * As revocations are read; but where a backup of another server took the place of this one, numbers of transactions
 * may begin anew, below where the last reading ended. Runs with whatever `search_path` there is.
 */
const READ = `
  SELECT reading.next::text, known.id::text, known.kind, known.value, known.reason,
    pg_catalog.date_part('epoch', known.asked_at) AS "askedAt"
  FROM (SELECT pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()) AS next) reading
  LEFT JOIN postern.disconnection known
    ON known.changed OPERATOR(pg_catalog.>=) LEAST($1::xid8, reading.next)`;

const CLOCK = `SELECT pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) AS now`;

/** Of several answers the quickest says most. */
const SAMPLES = 4;

/** Which sessions are to end, for as long as a gateway runs: each word is passed on once. */
export class DisconnectionTable implements FollowedTable {
  readonly words = { disconnect: 'more' } as const;
  readonly #options: DisconnectionTableOptions;
  #next = '0';
  /** Those that a later reading may see again. */
  #passedOn: ReadonlySet<string> = new Set();

  constructor(options: DisconnectionTableOptions) {
    this.#options = options;
  }

  /** What came while nobody listened comes after what was read before: it is never read from the beginning again. */
  async read(client: ClientBase, _what: Extent, over: AbortSignal): Promise<void> {
    const { rows } = await client.query<Reading>(READ, [this.#next]);
    const words = rows.filter(isWord);
    const isNew = words.some(({ id }) => !this.#passedOn.has(id));
    const momentOf = isNew ? await this.#compareClocks(client) : undefined;

    // Whoever has taken its place reads the same, and passes it on.
    if (over.aborted) return;
    const fresh = words.filter(({ id }) => !this.#passedOn.has(id));
    this.#next = rows[0]?.next ?? this.#next;
    this.#passedOn = new Set(words.map(({ id }) => id));
    if (momentOf === undefined || fresh.length === 0) return;
    this.#options.asked(
      fresh.map(({ kind, value, reason, askedAt }) => ({
        kind,
        value,
        reason: reason ?? undefined,
        asked: momentOf(askedAt),
      })),
    );
  }

  unavailable(reason: string, kind: 'missing' | 'forbidden'): void {
    const { migrates, log } = this.#options;
    if (kind === 'forbidden' || !migrates) log('disconnection_unavailable', { reason });
  }

  /**
   * Returns what tells when it was here, at the latest, when it was a time there. The server reads its clock before
   * its answer is here: whoever came in while it was under way is taken for one that was here already.
   */
  async #compareClocks(client: ClientBase): Promise<(seconds: number) => Moment> {
    let best:
      { readonly tookMs: number; readonly here: Moment; readonly there: number } | undefined;
    for (let sample = 0; sample < SAMPLES; sample += 1) {
      const sent = this.#options.now();
      const { rows } = await client.query<{ readonly now: number }>(CLOCK);
      const here = this.#options.now();
      const tookMs = here.monotonicMs - sent.monotonicMs;
      if (best === undefined || tookMs < best.tookMs)
        best = { tookMs, here, there: rows[0]?.now ?? 0 };
    }
    const { here, there } = best ?? { here: this.#options.now(), there: 0 };
    return (seconds) => {
      const agoMs = (there - seconds) * 1000;
      return { wallMs: here.wallMs - agoMs, monotonicMs: here.monotonicMs - agoMs };
    };
  }
}

interface Word {
  readonly id: string;
  readonly kind: Disconnection['kind'];
  readonly value: string;
  readonly reason: string | null;
  /** UNIX seconds, by the server's clock. */
  readonly askedAt: number;
}

/** A row, or nothing but the place to go on from. */
type Reading = { readonly next: string } & (Word | { readonly id: null });

function isWord(reading: Reading): reading is Reading & Word {
  return reading.id !== null;
}
