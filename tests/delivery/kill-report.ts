import { table } from '../load/table.ts';
import type { Verdict } from './judge.ts';
import type { KillReport } from './kill-run.ts';

/** What came of a run, for people. */
export function describeKill(report: KillReport): string {
  const { publications, verdicts, fortunes, seconds, seed, acts, cuts } = report;
  const all = total(verdicts);
  return [
    `${seconds.toFixed(0)} s, seed ${seed}, ${cuts} cuts; ${acts.join(', ')}`,
    `published: ${publications.committed} committed, ${publications['rolled back']} rolled back, ${publications.unknown} unknown; ${report.doubts} times an outcome was unknown`,
    `noticed: ${report.noticed.breaks} breaks of the feed, ${report.noticed.slowConsumers} slow consumers`,
    ...table([
      COLUMNS.map(([name]) => name),
      ...[...verdicts, all].map((verdict) => COLUMNS.map(([, cell]) => String(cell(verdict)))),
    ]),
    ...verdicts.map(({ subscriber, gaps }) => {
      const lot = fortunes[subscriber];
      if (lot === undefined) return subscriber;
      const counts = (map: ReadonlyMap<string, number>): string =>
        [...map].map(([what, count]) => `${what} ${count}`).join(', ');
      return `${subscriber}: ${lot.connections} connections, ended ${counts(lot.endings)}; resumed ${lot.recovered}, not ${lot.unrecovered}; ${gaps} gaps: ${counts(lot.gaps)}${lot.surprises.length > 0 ? `; ${lot.surprises[0]}` : ''}`;
    }),
    ...verdicts.flatMap(({ subscriber, examples }) =>
      examples.map((example) => `${subscriber}: ${example}`),
    ),
  ].join('\n');
}

/** All verdicts as one. */
export function total(verdicts: readonly Verdict[]): Verdict {
  const sum = (of: (verdict: Verdict) => number): number =>
    verdicts.reduce((so, verdict) => so + of(verdict), 0);
  return {
    subscriber: 'all',
    committed: sum(({ committed }) => committed),
    received: sum(({ received }) => received),
    covered: sum(({ covered }) => covered),
    needless: sum(({ needless }) => needless),
    doubled: sum(({ doubled }) => doubled),
    disordered: sum(({ disordered }) => disordered),
    lost: sum(({ lost }) => lost),
    foreign: sum(({ foreign }) => foreign),
    gaps: sum(({ gaps }) => gaps),
    examples: [],
  };
}

const COLUMNS: readonly (readonly [string, (verdict: Verdict) => string | number])[] = [
  ['subscriber', ({ subscriber }) => subscriber],
  ['committed', ({ committed }) => committed],
  ['received', ({ received }) => received],
  ['%', ({ received, committed }) => ((100 * received) / committed).toFixed(1)],
  ['covered by a gap', ({ covered }) => covered],
  ['in no break', ({ needless }) => needless],
  ['gaps', ({ gaps }) => gaps],
  ['foreign', ({ foreign }) => foreign],
  ['doubled', ({ doubled }) => doubled],
  ['out of order', ({ disordered }) => disordered],
  ['lost in silence', ({ lost }) => lost],
];
