import { measureFanOut } from '../fan-out/measure.ts';
import type { FanOutRow, Mode } from '../fan-out/measure.ts';
import { findProgram, whyMissing } from '../../tests/support/programs.ts';
import type { Scope } from '../../tests/support/postgres.ts';
import type { Chart, Effort, Measured } from '../report/report.ts';
import type { Row } from '../report/row.ts';

const EFFORTS = {
  full: { subscribers: [1_000, 5_000, 10_000], rounds: 5 },
  quick: { subscribers: [50], rounds: 1, peers: ['postern raw', 'postern v1', 'naive ws'] },
} as const;

const MODES = { single: 'one at a time', burst: 'bursts of ten' } as const;

/** How much of what the floor takes may be taken. */
const MOST = { single: 1.6, burst: 1.8 } as const satisfies Record<Mode, number>;
const FLOOR = 'floor';

/** In bursts, of what a `send` to each of them takes. */
const MOST_OF_NAIVE = 1 / 8;
const NAIVE = 'naive ws';

/** Measures what it costs to hand a message to many, beside the least that it can cost, and beside others. */
export async function measureDeliveries(scope: Scope, effort: Effort): Promise<Measured> {
  if (findProgram('gcc') === undefined)
    return { rows: [], remarks: [`Fan-out was not measured: ${whyMissing('gcc')}.`] };

  const { rows, missing } = await measureFanOut(scope, EFFORTS[effort]);
  const [fewest = 0] = EFFORTS[effort].subscribers;
  return {
    rows: [...rows.map(rowOf), ...rows.flatMap((row) => besideNaive(row, rows))],
    remarks: missing.map((why) => `Not compared: ${why}.`),
    charts: (['single', 'burst'] as const).map((mode) =>
      chartOf(
        mode,
        rows.filter((row) => row.mode === mode && row.subscribers === fewest),
      ),
    ),
  };
}

function rowOf(measured: FanOutRow): Row {
  const { peer, mode, microsPerDelivery, ratioToFloor } = measured;
  const row = { what: nameOf(measured), figure: microsPerDelivery.median, unit: 'µs' } as const;
  if (peer === FLOOR) return row;
  const compared = { ...row, ratio: { value: ratioToFloor.median, to: FLOOR } } as const;
  if (!isOwn(peer)) return compared;
  return { ...compared, bar: { on: 'ratio', limit: 'most', value: MOST[mode] } };
}

/** What is asked of bursts beside naive `ws`. */
function besideNaive(own: FanOutRow, rows: readonly FanOutRow[]): readonly Row[] {
  const isSame = ({ peer, subscribers, mode }: FanOutRow): boolean =>
    peer === NAIVE && subscribers === own.subscribers && mode === own.mode;
  const naive = rows.find(isSame);
  if (naive === undefined || !isOwn(own.peer) || own.mode !== 'burst') return [];
  const figure = own.microsPerDelivery.median;
  return [
    {
      what: `${nameOf(own)}, beside ${NAIVE}`,
      ratio: { value: figure / naive.microsPerDelivery.median, to: NAIVE },
      figure,
      unit: 'µs',
      bar: { on: 'ratio', limit: 'most', value: MOST_OF_NAIVE },
    },
  ];
}

function chartOf(mode: Mode, rows: readonly FanOutRow[]): Chart {
  const subscribers = rows[0]?.subscribers.toLocaleString('en') ?? '';
  return {
    title: `CPU time of a delivery, ${subscribers} subscribers, ${MODES[mode]}`,
    unit: 'µs',
    lines: rows
      .toSorted((one, other) => one.microsPerDelivery.median - other.microsPerDelivery.median)
      .map(({ peer, microsPerDelivery }) => ({
        label: peer,
        figure: microsPerDelivery.median,
        isOwn: isOwn(peer),
      })),
  };
}

function nameOf({ peer, subscribers, mode }: FanOutRow): string {
  return `${peer}, ${subscribers.toLocaleString('en')} subscribers, ${MODES[mode]}`;
}

function isOwn(peer: string): boolean {
  return peer.startsWith('postern');
}
