import { deadlineAt, isOver, systemClock } from '#gateway/session/deadline.js';

import { percentile } from '../support/percentile.ts';
import { freshDatabase } from '../support/postgres.ts';
import type { Query, Scope } from '../support/postgres.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { WsClient } from '../support/ws-client.ts';
import { gather } from './audience.ts';
import type { Audience } from './audience.ts';
import { startMeasured } from './measured-gateway.ts';
import type { MeasuredProcess } from './measured-process.ts';

/** How much is measured. */
export interface DeadlineOptions {
  /** Subscribers of each gateway, all of one channel. */
  readonly subscribers: number;
  /** Notifications of one turn, each to all subscribers. */
  readonly notifications: number;
  /** Turns of each gateway that do not count. */
  readonly warmUpRounds: number;
  readonly rounds: number;
  readonly onRound?: (round: number) => void;
}

/** A figure for each round, in the middle and at the edges. */
export interface Spread {
  readonly median: number;
  /** A tenth of the rounds is below. */
  readonly low: number;
  /** A tenth is above. */
  readonly high: number;
  /** Standard error of the median, as far as the rounds are spread like a bell. */
  readonly error: number;
}

/** What deliveries cost with the comparison with the deadline, and without. */
export interface DeadlineReport {
  readonly deliveries: number;
  /** CPU time of a delivery, all threads of the gateway. */
  readonly withMicros: Spread;
  readonly withoutMicros: Spread;
  /** Deliveries a second of CPU with the comparison, by those without: 1 is free of charge. */
  readonly ratio: Spread;
  /** The same between two gateways that do the same: what the ratio is off by, by chance. */
  readonly controlRatio: Spread;
  /** The comparison alone, in a loop. */
  readonly comparisonNanos: number;
}

const WITHOUT = new URL('without-deadline.js', import.meta.url).href;

/** Two of each, so that what differs from process to process can be told from the comparison. */
const variants = [
  { compares: true, imports: [] },
  { compares: false, imports: [WITHOUT] },
  { compares: false, imports: [WITHOUT] },
  { compares: true, imports: [] },
] as const;

/** Long enough to come in on a busy machine. */
const SHORT_SECONDS = 3;
/** An end is found within a second of it. */
const FOUND_MS = 3_000;
const LOOPS = 1_000_000;

/** Of a normal distribution: from the lowest tenth to the highest; the error of a median by that of a mean. */
const DECILES_IN_DEVIATIONS = 2.563;
const MEDIAN_BY_MEAN = 1.253;

/**
 * Measures what it costs that each delivery is held against the session's deadline. Four gateways take
 * turns, each with the same number of subscribers; rejects when one of them compares otherwise than it should.
 */
export async function measureDeadline(
  scope: Scope,
  { subscribers, notifications, warmUpRounds, rounds, onRound }: DeadlineOptions,
): Promise<DeadlineReport> {
  const halls = await Promise.all(variants.map((variant) => openHall(scope, variant, subscribers)));
  for (let round = 0; round < warmUpRounds; round++)
    for (const hall of halls) await turn(hall, notifications);

  const costs: (readonly number[])[] = [];
  for (let round = 1; round <= rounds; round++) {
    const micros = new Map<Hall, number>();
    for (const hall of round % 2 === 0 ? halls : halls.toReversed())
      micros.set(hall, await turn(hall, notifications));
    costs.push(halls.map((hall) => micros.get(hall) ?? Number.NaN));
    onRound?.(round);
  }
  return {
    ...reportOf(costs),
    deliveries: rounds * variants.length * notifications * subscribers,
    comparisonNanos: comparisonNanos(),
  };
}

/** A gateway and who listens there. */
interface Hall {
  readonly gateway: MeasuredProcess;
  readonly audience: Audience;
  readonly channel: string;
  readonly query: Query;
}

async function openHall(
  scope: Scope,
  { compares, imports }: (typeof variants)[number],
  subscribers: number,
): Promise<Hall> {
  const { url, channel, query } = await freshDatabase(scope);
  const environment = { POSTERN_CONNECTIONS: '0', POSTERN_LOG_LEVEL: 'info' };
  const gateway = await startMeasured(scope, { url, channel, environment, imports });
  const claims = { mode: 'r', channels: ['hall'] };
  await assertCompares(gateway, claims, compares);
  const token = await signToken({ ...claims, exp: inSeconds(24 * 3_600) });
  const audience = await gather(gateway.port, token, subscribers);
  scope.after(() => Promise.resolve(audience.leave()));
  return { gateway, audience, channel, query };
}

/** Whether a session outlives its token says whether anybody looks at its deadline. */
async function assertCompares(
  { port }: MeasuredProcess,
  claims: object,
  compares: boolean,
): Promise<void> {
  const token = await signToken({ ...claims, exp: Date.now() / 1000 + SHORT_SECONDS });
  const client = await WsClient.connect(`ws://127.0.0.1:${port}/${token}`);
  const end = await client.closed(FOUND_MS + SHORT_SECONDS * 1000).catch(() => undefined);
  if ((end !== undefined) !== compares)
    throw new Error('A gateway compares otherwise than it should');
  if (end === undefined) await client.close();
}

/** CPU microseconds of one delivery. Each notification is through before the next is sent. */
async function turn(
  { gateway, audience, channel, query }: Hall,
  notifications: number,
): Promise<number> {
  const before = await gateway.cpu();
  for (let sent = 0; sent < notifications; sent++) {
    const heard = audience.heard(1);
    await query('SELECT pg_notify($1, $2)', [channel, `{"channel":"hall","payload":${sent}}`]);
    await heard;
  }
  const after = await gateway.cpu();
  return ((after.cpuSeconds - before.cpuSeconds) * 1e6) / (notifications * audience.size);
}

/** Each round has the four costs, in the order of {@link variants}. */
function reportOf(
  costs: readonly (readonly number[])[],
): Pick<DeadlineReport, 'withMicros' | 'withoutMicros' | 'ratio' | 'controlRatio'> {
  const each = <T>(of: (one: number, bare: number, otherBare: number, other: number) => T): T[] =>
    costs.map(([one = NaN, bare = NaN, otherBare = NaN, other = NaN]) =>
      of(one, bare, otherBare, other),
    );
  return {
    withMicros: spread(each((one, _b, _o, other) => (one + other) / 2)),
    withoutMicros: spread(each((_one, bare, otherBare) => (bare + otherBare) / 2)),
    ratio: spread(each((one, bare, otherBare, other) => (bare + otherBare) / (one + other))),
    controlRatio: spread(each((one, bare, otherBare, other) => (one + bare) / (other + otherBare))),
  };
}

function spread(values: readonly number[]): Spread {
  const [median = NaN, low = NaN, high = NaN] = [50, 10, 90].map((percent) =>
    percentile(values, percent),
  );
  const deviation = (high - low) / DECILES_IN_DEVIATIONS;
  return { median, low, high, error: (MEDIAN_BY_MEAN * deviation) / Math.sqrt(values.length) };
}

/** Of one that says no, as nearly all do. */
function comparisonNanos(): number {
  const deadline = deadlineAt(Date.now() + 3_600_000, systemClock);
  const rounds = Array.from({ length: 9 }, () => {
    const startMs = performance.now();
    let over = 0;
    for (let loop = 0; loop < LOOPS; loop++) if (isOver(deadline, systemClock)) over += 1;
    if (over > 0) throw new Error('An hour has passed');
    return ((performance.now() - startMs) * 1e6) / LOOPS;
  });
  return percentile(rounds, 50);
}
