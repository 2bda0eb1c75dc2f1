import { percentile } from '../../tests/support/percentile.ts';
import type { Scope } from '../../tests/support/postgres.ts';
import { peers } from '../peers/all.ts';
import { floor } from '../peers/floor.ts';
import type { Peer, PeerKind } from '../peers/peer.ts';
import { startListeners } from './listeners.ts';
import type { Listeners } from './listeners.ts';
import { cpuNanos, keepOffServerCore, putOnServerCore } from './processors.ts';

/** How messages come: each when all have heard the one before, or ten at once. */
export type Mode = 'single' | 'burst';

/** How much is measured. */
export interface FanOutOptions {
  /** Numbers of subscribers of each server, in rising order. */
  readonly subscribers: readonly number[];
  /** Turns of each server in each mode, at each number. */
  readonly rounds: number;
  /** Names of {@link peers}; all by default. The floor is always there. */
  readonly peers?: readonly string[];
  readonly onStep?: (step: string) => void;
}

/** Figures of all rounds: in the middle and at the edges. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** What deliveries of one server cost at one number of subscribers. */
export interface FanOutRow {
  readonly peer: string;
  readonly subscribers: number;
  readonly mode: Mode;
  /** CPU time of the server for one message to one subscriber. */
  readonly microsPerDelivery: Spread;
  /** By what the floor took in the same round. */
  readonly ratioToFloor: Spread;
}

/** What came of it. */
export interface FanOutReport {
  readonly rows: readonly FanOutRow[];
  /** Servers that were to be compared and cannot be here: their names, and why. */
  readonly missing: readonly string[];
}

const BURST = 10;
/** A turn takes as long with few subscribers as with many, but for a burst to so many that it has more. */
const DELIVERIES_OF_TURN = 20_000;
/** Each is waited for: with very few subscribers a turn would take for ever. */
const MOST_TIMES = 20;
/** They do not count. In the first of all code is compiled; later ones are for the clients that came in. */
const WARM_UP_ROUNDS = { first: 4, later: 1 } as const;

/**
 * Measures what it costs servers to hand messages of one channel to all its subscribers. They take turns,
 * every other round in reverse. Rejects when a message is lost or comes twice.
 */
export async function measureFanOut(
  scope: Scope,
  { subscribers, rounds, peers: names, onStep = () => {} }: FanOutOptions,
): Promise<FanOutReport> {
  await keepOffServerCore(scope);
  const wanted = peers.filter(({ name }) => name === floor.name || (names?.includes(name) ?? true));
  const halls: Hall[] = [];
  const missing: string[] = [];
  for (const kind of wanted) {
    const why = kind.lacks?.();
    if (why === undefined) halls.push(await openHall(scope, kind));
    else missing.push(`${kind.name}: ${why}`);
  }

  const rows: FanOutRow[] = [];
  for (const size of subscribers) {
    for (const hall of halls) {
      onStep(`${size} subscribers of ${hall.name}`);
      await hall.listeners.connect(size);
    }
    for (const mode of ['single', 'burst'] as const) {
      onStep(`${size} subscribers, ${mode}`);
      const warmUp = size === subscribers[0] ? WARM_UP_ROUNDS.first : WARM_UP_ROUNDS.later;
      const costs = await costsOf(halls, { size, mode, rounds, warmUp });
      rows.push(...halls.map(({ name }) => rowOf(name, { size, mode, costs })));
    }
  }
  return { rows, missing };
}

/** A server and who listens there. */
interface Hall {
  readonly name: string;
  readonly peer: Peer;
  readonly listeners: Listeners;
}

async function openHall(scope: Scope, kind: PeerKind): Promise<Hall> {
  const peer = await kind.start(scope);
  await putOnServerCore(peer.pid);
  const listeners = await startListeners(scope, kind.name, peer.entrance);
  return { name: kind.name, peer, listeners };
}

interface Series {
  readonly size: number;
  readonly mode: Mode;
  readonly rounds: number;
  readonly warmUp: number;
}

/** CPU microseconds of a delivery in each round, by the name of the server. */
type Costs = readonly ReadonlyMap<string, number>[];

async function costsOf(halls: readonly Hall[], series: Series): Promise<Costs> {
  const costs: Map<string, number>[] = [];
  for (let round = -series.warmUp; round < series.rounds; round++) {
    const micros = new Map<string, number>();
    for (const hall of round % 2 === 0 ? halls : halls.toReversed())
      micros.set(hall.name, await turn(hall, series));
    if (round >= 0) costs.push(micros);
  }
  return costs;
}

/** CPU microseconds of a delivery. Nothing is sent before all have heard what was sent before. */
async function turn({ peer, listeners }: Hall, { size, mode }: Series): Promise<number> {
  const together = mode === 'burst' ? BURST : 1;
  const times = Math.min(
    Math.max(1, Math.round(DELIVERIES_OF_TURN / (size * together))),
    MOST_TIMES,
  );
  const before = cpuNanos(peer.pid);
  for (let sent = 0; sent < times; sent++) {
    const heard = listeners.heard(together);
    await peer.publish(together);
    await heard;
  }
  return (cpuNanos(peer.pid) - before) / 1000 / (times * together * size);
}

function rowOf(
  peer: string,
  { size, mode, costs }: { readonly size: number; readonly mode: Mode; readonly costs: Costs },
): FanOutRow {
  const of = (name: string): readonly number[] => costs.map((round) => round.get(name) ?? NaN);
  const [own, least] = [of(peer), of(floor.name)];
  return {
    peer,
    subscribers: size,
    mode,
    microsPerDelivery: spread(own),
    ratioToFloor: spread(own.map((micros, round) => micros / (least[round] ?? NaN))),
  };
}

function spread(values: readonly number[]): Spread {
  return {
    median: percentile(values, 50),
    low: Math.min(...values),
    high: Math.max(...values),
  };
}
