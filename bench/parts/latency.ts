import { setTimeout as delay } from 'node:timers/promises';

import pg from 'pg';

import { percentile } from '../../tests/support/percentile.ts';
import { freshDatabase } from '../../tests/support/postgres.ts';
import type { Scope } from '../../tests/support/postgres.ts';
import { until } from '../../tests/support/wait.ts';
import { nextTexts } from '../fan-out/texts.ts';
import { peers } from '../peers/all.ts';
import { notify } from '../peers/notify.ts';
import type { PeerKind } from '../peers/peer.ts';
import type { Effort, Measured } from '../report/report.ts';
import type { Row } from '../report/row.ts';
import { receive } from './receiver.ts';

const EFFORTS = {
  full: {
    warmUp: { perSecond: 2_000, rounds: 1, messages: 2_000 },
    paces: [
      { perSecond: 200, rounds: 8, messages: 300 },
      { perSecond: 2_000, rounds: 4, messages: 2_000 },
    ],
  },
  quick: {
    warmUp: { perSecond: 200, rounds: 1, messages: 10 },
    paces: [
      { perSecond: 200, rounds: 2, messages: 20 },
      { perSecond: 2_000, rounds: 2, messages: 20 },
    ],
  },
} as const satisfies Record<Effort, { readonly warmUp: Pace; readonly paces: readonly Pace[] }>;

/** Turns in which messages are sent so fast. */
interface Pace {
  readonly perSecond: number;
  readonly rounds: number;
  /** Of each turn. */
  readonly messages: number;
}

/** What is compared: whatever hears of PostgreSQL's notifications. */
const WAYS: ReadonlySet<string> = new Set(['postern raw', 'postern v1', 'naive ws', 'Socket.IO']);
const LISTEN = 'bare LISTEN';

const PERCENTS = [50, 99, 99.9] as const;
/** What is asked at this pace: so much of what LISTEN alone takes, by percent. */
const BARRED_PER_SECOND = 200;
const MOST: ReadonlyMap<number, number> = new Map([
  [50, 1.3],
  [99, 1.5],
]);

/**
 * Measures how long a message takes from the statement that notifies to one subscriber. Both are this
 * process, so that one clock tells; whoever is compared takes turns.
 */
export async function measureLatency(scope: Scope, effort: Effort): Promise<Measured> {
  const ways = [await openListen(scope)];
  for (const kind of peers.filter(({ name }) => WAYS.has(name)))
    ways.push(await openPeer(scope, kind));

  const { warmUp, paces } = EFFORTS[effort];
  await roundsOf(ways, warmUp);
  const rows: Row[] = [];
  for (const pace of paces) rows.push(...rowsOf(pace, await roundsOf(ways, pace)));
  return { rows };
}

/** A way from SQL to one who waits for messages, which come in the order in which they were sent. */
interface Way {
  readonly name: string;
  publish(): Promise<void>;
  /** Told as each message comes. */
  onMessage: () => void;
}

async function openListen(scope: Scope): Promise<Way> {
  const { url, channel, query } = await freshDatabase(scope);
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {
    // The database is dropped at the end.
  });
  await client.connect();
  scope.after(() => client.end());
  const way: Way = {
    name: LISTEN,
    publish: () => notify(query, channel, nextTexts(1)),
    onMessage: () => {},
  };
  client.on('notification', () => way.onMessage());
  await client.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
  return way;
}

async function openPeer(scope: Scope, kind: PeerKind): Promise<Way> {
  const peer = await kind.start(scope);
  const way: Way = { name: kind.name, publish: () => peer.publish(1), onMessage: () => {} };
  await receive(scope, peer.entrance, () => way.onMessage());
  return way;
}

/** Milliseconds that each message of a round took, by way. */
type Delays = ReadonlyMap<string, readonly number[]>;

async function roundsOf(ways: readonly Way[], pace: Pace): Promise<readonly Delays[]> {
  const rounds: Delays[] = [];
  while (rounds.length < pace.rounds) {
    const delays = new Map<string, readonly number[]>();
    for (const way of rounds.length % 2 === 0 ? ways : ways.toReversed())
      delays.set(way.name, await turn(way, pace));
    rounds.push(delays);
  }
  return rounds;
}

/** One statement at a time: the next one is late when the one before has not been answered. */
async function turn(way: Way, { perSecond, messages }: Pace): Promise<readonly number[]> {
  const sentMs: number[] = [];
  const delays: number[] = [];
  way.onMessage = () => {
    delays.push(performance.now() - (sentMs[delays.length] ?? Number.NaN));
  };
  const startMs = performance.now();
  while (sentMs.length < messages) {
    const dueMs = startMs + (sentMs.length * 1000) / perSecond;
    if (performance.now() < dueMs) await delay(dueMs - performance.now());
    sentMs.push(performance.now());
    await way.publish();
  }
  await until(`the last message of ${way.name}`, () => delays.length >= messages);
  if (delays.some(Number.isNaN)) throw new Error(`${way.name} has sent a message twice`);
  return delays;
}

function rowsOf({ perSecond }: Pace, rounds: readonly Delays[]): readonly Row[] {
  const names = [...(rounds[0]?.keys() ?? [])];
  return names.flatMap((name) => {
    const series = {
      of: `${name}, ${perSecond.toLocaleString('en')}/s`,
      own: rounds.map((round) => round.get(name) ?? []),
      listen: rounds.map((round) => round.get(LISTEN) ?? []),
    };
    if (name === LISTEN) return PERCENTS.map((percent) => figureOf(series, percent));
    const isAsked = name.startsWith('postern') && perSecond === BARRED_PER_SECOND;
    return PERCENTS.map((percent) => {
      const row = comparedRow(series, percent);
      const most = isAsked ? MOST.get(percent) : undefined;
      return most === undefined
        ? row
        : { ...row, bar: { on: 'ratio', limit: 'most', value: most } };
    });
  });
}

/** Delays of each round, of a way and of {@link LISTEN}. */
interface Series {
  readonly of: string;
  readonly own: readonly (readonly number[])[];
  readonly listen: readonly (readonly number[])[];
}

/** The figure is that of all rounds, the ratio the median of each round's own. */
function comparedRow(series: Series, percent: number): Row {
  const ratios = series.own.map(
    (delays, round) =>
      percentile(delays, percent) / percentile(series.listen[round] ?? [], percent),
  );
  return { ...figureOf(series, percent), ratio: { value: percentile(ratios, 50), to: 'LISTEN' } };
}

function figureOf({ of, own }: Series, percent: number): Row {
  const name = percent === 50 ? 'median' : `p${percent}`;
  return { what: `${of}: ${name}`, figure: percentile(own.flat(), percent), unit: 'ms' };
}
