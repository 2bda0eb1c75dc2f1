import { measurePublishing } from '../../tests/load/publish-cost.ts';
import { percentile } from '../../tests/support/percentile.ts';
import { freshDatabase } from '../../tests/support/postgres.ts';
import type { Query, Scope } from '../../tests/support/postgres.ts';
import { nextTexts } from '../fan-out/texts.ts';
import { notify } from '../peers/notify.ts';
import type { Effort, Measured } from '../report/report.ts';
import { measureRawPublishing } from './raw-publishing.ts';

const EFFORTS = {
  full: {
    plan: {
      publishers: 10,
      window: 100,
      publishes: 60_000,
      rounds: 7,
      perSecond: 5_000,
      seconds: 8,
    },
    raw: { publishers: 10, window: 100, publishes: 60_000, rounds: 3 },
    statementMs: 2_000,
  },
  quick: {
    plan: { publishers: 3, window: 10, publishes: 500, rounds: 1, perSecond: 200, seconds: 1 },
    raw: { publishers: 3, window: 10, publishes: 500, rounds: 1 },
    statementMs: 100,
  },
} as const;

const TEXTS_OF_STATEMENT = 100;

/** Measures what the gateway takes to pass on what clients publish, and what PostgreSQL can take. */
export async function measurePublishes(scope: Scope, effort: Effort): Promise<Measured> {
  const { plan, raw, statementMs } = EFFORTS[effort];
  const { rounds, paced } = await measurePublishing(scope, plan);
  const rawRounds = await measureRawPublishing(scope, raw);
  const { channel, query } = await freshDatabase(scope);
  const notified = {
    each: await notifiedPerSecond(query, { channel, texts: 1, forMs: statementMs }),
    batched: await notifiedPerSecond(query, {
      channel,
      texts: TEXTS_OF_STATEMENT,
      forMs: statementMs,
    }),
  };
  const medianOf = <T>(all: readonly T[], of: (one: T) => number): number =>
    percentile(all.map(of), 50);
  const pace = `at ${plan.perSecond.toLocaleString('en')}/s`;
  return {
    rows: [
      {
        what: 'postern.v1 at full speed: CPU of an acknowledged publish',
        figure: medianOf(rounds, ({ cpuMicros }) => cpuMicros),
        unit: 'µs',
        bar: { on: 'figure', limit: 'most', value: 20 },
      },
      {
        what: 'postern.v1 at full speed: acknowledged',
        figure: medianOf(rounds, ({ perSecond }) => perSecond),
        unit: '/s',
      },
      {
        what: `postern.v1 ${pace}: median wait for the answer`,
        figure: paced.medianMs,
        unit: 'ms',
        bar: { on: 'figure', limit: 'most', value: 5 },
      },
      { what: `postern.v1 ${pace}: p99 of that`, figure: paced.p99Ms, unit: 'ms' },
      {
        what: `postern.v1 ${pace}: CPU of an acknowledged publish`,
        figure: paced.cpuMicros,
        unit: 'µs',
      },
      {
        what: 'raw protocol, a thousand at a time: CPU of a publish',
        figure: medianOf(rawRounds, ({ cpuMicros }) => cpuMicros),
        unit: 'µs',
      },
      { what: 'pg_notify alone, one a statement', figure: notified.each, unit: '/s' },
      { what: 'pg_notify alone, a hundred a statement', figure: notified.batched, unit: '/s' },
    ],
  };
}

interface Statements {
  readonly channel: string;
  readonly texts: number;
  readonly forMs: number;
}

/** Notifications a second by one who waits for each statement. */
async function notifiedPerSecond(
  query: Query,
  { channel, texts, forMs }: Statements,
): Promise<number> {
  const startMs = performance.now();
  let statements = 0;
  for (; performance.now() - startMs < forMs; statements++)
    await notify(query, channel, nextTexts(texts));
  return (statements * texts * 1000) / (performance.now() - startMs);
}
