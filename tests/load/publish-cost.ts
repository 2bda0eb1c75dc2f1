import { percentile } from '../support/percentile.ts';
import { freshDatabase } from '../support/postgres.ts';
import type { Scope } from '../support/postgres.ts';
import { startMeasured } from './measured-gateway.ts';
import type { MeasuredProcess } from './measured-process.ts';
import { gatherPublishers } from './publishers.ts';

/** How publishing is measured. */
export interface PublishPlan {
  /** Connections of `postern.v1`, each of a user of its own. */
  readonly publishers: number;
  /** Publishes of each connection that are not answered yet, at full speed. */
  readonly window: number;
  /** Publishes of a round at full speed; the first round counts for nothing: code is compiled in it. */
  readonly publishes: number;
  readonly rounds: number;
  /** Publishes a second while each one's answer is timed, and for how long. */
  readonly perSecond: number;
  readonly seconds: number;
  readonly onRound?: (round: number) => void;
}

/** What one acknowledged publish took of the gateway: microseconds of CPU time. */
export interface PublishCost {
  /** Of all threads: user and system time. */
  readonly cpuMicros: number;
  /** Of the thread with the event loop; undefined where the system does not say. */
  readonly loopMicros: number | undefined;
  readonly acknowledged: number;
  readonly perSecond: number;
}

/** What publishing costs, and how long an answer takes. */
export interface PublishReport {
  /** At full speed: each round. */
  readonly rounds: readonly PublishCost[];
  /** At a pace that leaves the gateway idle between batches. */
  readonly paced: PublishCost & { readonly medianMs: number; readonly p99Ms: number };
}

/** Measures publishes with an answer, at full speed and at a pace. Nobody is subscribed. */
export async function measurePublishing(scope: Scope, plan: PublishPlan): Promise<PublishReport> {
  const { url, channel } = await freshDatabase(scope, { hasSchema: true });
  const gateway = await startMeasured(scope, { url, channel, environment: QUIET });
  const publishers = await gatherPublishers(gateway.port, plan.publishers);
  scope.after(() => Promise.resolve(publishers.leave()));
  const flood = (): Promise<number> => publishers.flood(plan.publishes, plan.window);

  await flood();
  const rounds: PublishCost[] = [];
  for (let round = 1; round <= plan.rounds; round++) {
    plan.onRound?.(round);
    rounds.push(await costOf(gateway, flood));
  }
  let delays: readonly number[] = [];
  const paced = await costOf(gateway, async () => {
    delays = await publishers.pace(plan.perSecond, plan.seconds);
    return delays.length;
  });
  const latency = { medianMs: percentile(delays, 50), p99Ms: percentile(delays, 99) };
  return { rounds, paced: { ...paced, ...latency } };
}

/** As a user would run it, with any number of clients. */
export const QUIET = { POSTERN_CONNECTIONS: '0', POSTERN_LOG_LEVEL: 'info' } as const;

/** Has something published, and returns what each of it took. */
export async function costOf(
  gateway: MeasuredProcess,
  publish: () => Promise<number>,
): Promise<PublishCost> {
  const before = await gateway.cpu();
  const startMs = performance.now();
  const acknowledged = await publish();
  const seconds = (performance.now() - startMs) / 1000;
  const after = await gateway.cpu();
  const microsEach = (from = Number.NaN, to = Number.NaN): number =>
    ((to - from) * 1e6) / acknowledged;
  const loopMicros = microsEach(before.loopSeconds, after.loopSeconds);
  return {
    cpuMicros: microsEach(before.cpuSeconds, after.cpuSeconds),
    loopMicros: Number.isNaN(loopMicros) ? undefined : loopMicros,
    acknowledged,
    perSecond: acknowledged / seconds,
  };
}
