import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { ClientBase } from 'pg';
import { backoffMs, rest } from './backoff.ts';
import type { Database, DatabaseLog } from './connect.ts';
import { readMigrations } from './migrations.ts';
import { hindranceBy, hindranceIn } from './schema-hindrance.ts';
import type { Hindrance } from './schema-hindrance.ts';
import { leavePresence, writePresence } from './present-sessions.ts';
import type { PresenceWrite, PresentSession } from './present-sessions.ts';
import { inspectSchema } from './schema-state.ts';

/** Who is here, as whoever writes it down asks for it. */
export interface Present {
  ids(): readonly string[];
  /** As it is now; undefined: it is over. */
  find(id: string): PresentSession | undefined;
}

/** What presence is kept with. */
export interface PresenceOptions {
  readonly database: Pick<Database, 'lend'>;
  readonly present: Present;
  /** Whether tables that are missing are about to be made, and need not be spoken of. */
  readonly migrates: boolean;
  readonly log: DatabaseLog;
  /** How long to wait for what somebody has to mend, at the most. Default: 30 s. */
  readonly mendedMs?: number;
}

/** Who comes and goes is gathered for so long. */
const GATHER_MS = 1_000;
const DEADLINE_MS = 10_000;
/** At the stop nobody waits longer: the lease ends by itself. */
const GOODBYE_MS = 2_000;
/** What somebody has to mend is looked at now and then. */
const MENDED_MS = 30_000;

/**
 * Writes down who is here, for all to see in `postern.sessions`, and does so in its own time: nobody
 * waits for it. What is in the table is doubtful at first, and after each failure; then all is written anew, and
 * what came and went meanwhile need not be remembered.
 */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #name = { gateway: randomUUID(), host: hostname() };
  readonly #stopping = new AbortController();
  readonly #unwritten = new Set<string>();
  readonly #written = new Set<string>();
  /** Those whose rows are to be taken out. */
  readonly #left = new Set<string>();
  #keeping: Promise<void> | undefined;
  #doubtful = true;
  #trusted = false;
  #kept = false;
  /** Whether there may be rows of this gateway. */
  #enrolled = false;
  #said = false;
  #failures = 0;
  #pauseMs = GATHER_MS;
  /** When the lease is to be renewed, by the monotonic clock. */
  #renewAtMs = 0;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** Whether others see who is here, as far as is known. */
  get kept(): boolean {
    return this.#kept;
  }

  came(id: string): void {
    if (!this.#doubtful) this.#unwritten.add(id);
  }

  /** Its row is to be brought up to date. */
  changed(id: string): void {
    this.came(id);
  }

  left(id: string): void {
    this.#unwritten.delete(id);
    if (this.#written.delete(id) && !this.#doubtful) this.#left.add(id);
  }

  /** PostgreSQL was away, and may have lost everything: asks at the next occasion. */
  verify(): void {
    this.#renewAtMs = 0;
  }

  /** Resolves after the first attempt, whatever came of it; the others are made in the background. */
  async start(): Promise<void> {
    const pauseMs = await this.#round();
    this.#keeping = this.#keep(pauseMs);
  }

  /** Takes this gateway out. Harmless when called twice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#keeping;
    if (!this.#enrolled) return;
    this.#enrolled = false;
    this.#kept = false;
    try {
      await this.#options.database.lend(GOODBYE_MS, (client) => leavePresence(client, this.#name));
    } catch {
      // Its lease ends in a moment, and with it all that it has written.
    }
  }

  async #keep(firstMs: number): Promise<void> {
    const { signal } = this.#stopping;
    for (let pauseMs = firstMs; !signal.aborted; pauseMs = await this.#round()) {
      await rest(pauseMs, signal);
      if (signal.aborted) return;
    }
  }

  /** Writes, if there is something to write, and returns how long to wait then. Never rejects. */
  async #round(): Promise<number> {
    const isIdle = !this.#doubtful && this.#unwritten.size === 0 && this.#left.size === 0;
    if (isIdle && performance.now() < this.#renewAtMs) return this.#pauseMs;

    const hindrance = await this.#attempt();
    if (hindrance === undefined) {
      this.#succeed();
      return this.#pauseMs;
    }
    this.#fail(hindrance);
    const isLasting = hindrance.kind === 'lasting';
    const { mendedMs = MENDED_MS } = this.#options;
    return isLasting ? mendedMs * (1 - Math.random() / 2) : backoffMs(this.#failures);
  }

  async #attempt(): Promise<Hindrance | undefined> {
    try {
      return await this.#options.database.lend(DEADLINE_MS, async (client) => {
        if (!this.#trusted) {
          const hindrance = await this.#distrust(client);
          if (hindrance !== undefined) return hindrance;
        }
        await writePresence(client, this.#name, (write) => this.#write(write));
        return undefined;
      });
    } catch (error) {
      return hindranceBy(error);
    }
  }

  /** Tables of somebody else's could be anything. */
  async #distrust(client: ClientBase): Promise<Hindrance | undefined> {
    const schema = await inspectSchema(client, readMigrations());
    const hindrance = hindranceIn(schema, this.#options);
    this.#trusted = hindrance === undefined;
    return hindrance;
  }

  async #write(write: PresenceWrite): Promise<void> {
    this.#enrolled = true;
    const isRenewal = performance.now() >= this.#renewAtMs;
    const renewed = this.#doubtful ? undefined : await write.renew();
    if (renewed === undefined) this.#beginAnew();
    const leaseMs = (renewed ?? (await write.enrol())) * 1000;

    // Whoever comes and goes from here on is for the next time.
    const left = emptied(this.#left);
    const arrived = emptied(this.#unwritten);
    for (const id of arrived) this.#written.add(id);
    await write.take(left);
    await write.put(arrived.map((id) => this.#options.present.find(id)).filter(isHere));
    if (isRenewal || renewed === undefined) await write.sweep();
    this.#renewAtMs = performance.now() + leaseMs / 3;
    this.#pauseMs = Math.min(GATHER_MS, leaseMs / 3);
  }

  #beginAnew(): void {
    this.#left.clear();
    this.#written.clear();
    for (const id of this.#options.present.ids()) this.#unwritten.add(id);
    this.#doubtful = false;
  }

  #succeed(): void {
    const { log } = this.#options;
    if (!this.#kept) log('presence_kept', { gateway: this.#name.gateway });
    this.#kept = true;
    this.#said = false;
    this.#failures = 0;
  }

  #fail({ reason, mend, kind }: Hindrance): void {
    this.#doubtful = true;
    this.#unwritten.clear();
    this.#left.clear();
    this.#trusted = false;
    this.#kept = false;
    this.#failures += 1;
    if (kind === 'awaited' || this.#said) return;
    this.#said = true;
    this.#options.log('presence_unavailable', { reason, mend });
  }
}

/** All of them; the set is empty afterwards. */
function emptied(ids: Set<string>): readonly string[] {
  const all = [...ids];
  ids.clear();
  return all;
}

function isHere(session: PresentSession | undefined): session is PresentSession {
  return session !== undefined;
}
