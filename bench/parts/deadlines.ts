import { measureExpiry, plansFor } from '../../tests/load/expiry-load.ts';
import type { ExpiryRow, Lag } from '../../tests/load/expiry-load.ts';
import type { Scope } from '../../tests/support/postgres.ts';
import type { Effort, Measured } from '../report/report.ts';
import type { Row } from '../report/row.ts';

const EFFORTS = {
  full: { count: 100_000, waitSeconds: 6, runs: 2 },
  quick: { count: 5_000, waitSeconds: 4, runs: 1 },
} as const;

/** Of all plans those that say what many ends cost; `npm run bench:sessions` has the others. */
const PLANS: ReadonlySet<string> = new Set(['within an hour', 'in one second']);

/** Measures what the ends of very many sessions take while they are waited for, and as they come. */
export async function measureDeadlines(scope: Scope, effort: Effort): Promise<Measured> {
  const { count, waitSeconds, runs } = EFFORTS[effort];
  const rows: Row[] = [];
  for (const plan of plansFor(count, waitSeconds).filter(({ name }) => PLANS.has(name)))
    rows.push(...rowsOf(await measureExpiry(scope, plan, runs)));
  return { rows };
}

function rowsOf({ name, count, spreadSeconds, bytesEach, ...row }: ExpiryRow): readonly Row[] {
  if (spreadSeconds === 1 && row.ended !== count)
    throw new Error(`${row.ended} of ${count} sessions have ended`);
  const what = `${count.toLocaleString('en')} ends ${name}`;
  return [
    {
      what: `${what}, each`,
      figure: bytesEach,
      unit: 'bytes',
      bar: { on: 'figure', limit: 'most', value: 40 },
    },
    ...lagRows(`${what}, waiting`, row.waiting),
    ...lagRows(`${what}, ending`, row.ending),
  ];
}

/** By the clock, which is what clients notice, and in CPU time, to which a busy machine adds nothing. */
function lagRows(what: string, { longestMs, longestCpuMs }: Lag): readonly Row[] {
  return [
    {
      what: `${what}: longest lag of the loop`,
      figure: longestMs,
      unit: 'ms',
      bar: { on: 'figure', limit: 'most', value: 50 },
    },
    { what: `${what}: CPU time of its longest turn`, figure: longestCpuMs, unit: 'ms' },
  ];
}
