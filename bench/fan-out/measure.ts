import { percentile } from '../../tests/support/percentile.ts';
import type { Scope } from '../../tests/support/postgres.ts';
import { floor } from '../peers/floor.ts';
import { naiveWs } from '../peers/naive-ws.ts';
import type { Peer, PeerKind } from '../peers/peer.ts';
import { posternRaw } from '../peers/postern.ts';
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
}

/** Every server that is compared. */
export const peers: readonly PeerKind[] = [floor, posternRaw, naiveWs];

const BURST = 10;
/** A turn of single messages has as many at any number of subscribers; one burst is a turn if it has more. */
const DELIVERIES_OF_TURN = 20_000;
/** In them code is compiled. */
const WARM_UP_ROUNDS = 4;

/**
 * Measures what it costs servers to hand messages of one channel to all its subscribers. They take turns,
 * every other round in reverse. Rejects when a message is lost or comes twice.
 */
export async function measureFanOut(
  scope: Scope,
  { subscribers, rounds, peers: names, onStep = () => {} }: FanOutOptions,
): Promise<FanOutReport> {
  await keepOffServerCore(scope);
  const chosen = peers.filter(({ name }) => name === floor.name || (names?.includes(name) ?? true));
  const halls: Hall[] = [];
  for (const kind of chosen) halls.push(await openHall(scope, kind));

  const rows: FanOutRow[] = [];
  for (const size of subscribers) {
    for (const hall of halls) {
      onStep(`${size} subscribers of ${hall.name}`);
      await hall.listeners.connect(size);
    }
    for (const mode of ['single', 'burst'] as const) {
      onStep(`${size} subscribers, ${mode}`);
      const costs = await costsOf(halls, { size, mode, rounds });
      rows.push(...halls.map(({ name }) => rowOf(name, { size, mode, costs })));
    }
  }
  return { rows };
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
  const listeners = await startListeners(scope, peer.entrance);
  return { name: kind.name, peer, listeners };
}

interface Series {
  readonly size: number;
  readonly mode: Mode;
  readonly rounds: number;
}

/** CPU microseconds of a delivery in each round, by the name of the server. */
type Costs = readonly ReadonlyMap<string, number>[];

async function costsOf(halls: readonly Hall[], series: Series): Promise<Costs> {
  const costs: Map<string, number>[] = [];
  for (let round = -WARM_UP_ROUNDS; round < series.rounds; round++) {
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
  const times = Math.max(1, Math.round(DELIVERIES_OF_TURN / (size * together)));
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
