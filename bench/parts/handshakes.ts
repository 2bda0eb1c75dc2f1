import type { HandshakeRow } from '../../tests/load/handshake-report.ts';
import { measureHandshakes } from '../../tests/load/handshakes.ts';
import type { Scope } from '../../tests/support/postgres.ts';
import type { Effort, Measured } from '../report/report.ts';
import type { Row } from '../report/row.ts';

/** Fewer rounds than `npm run bench:handshakes`: it has the ways in that are left out here, and profiles. */
const EFFORTS = {
  full: { warmUpRounds: 12, rounds: 6, batch: 500, profiledRounds: 0 },
  quick: { warmUpRounds: 0, rounds: 1, batch: 10, profiledRounds: 0 },
} as const;

const BARE = 'bare node:http and ws';
const HS256 = 'bearer header, HS256';
const WAYS_IN = [
  BARE,
  HS256,
  'raw path, HS256',
  'bearer header, RS256',
  'bearer header, ES256',
  'CSRF token and cookie',
  'POST /preauth',
] as const;

/** Measures what a core does of handshakes, by credential: the loop's thread is what limits it. */
export async function measureWaysIn(scope: Scope, effort: Effort): Promise<Measured> {
  const { rows } = await measureHandshakes(scope, { ...EFFORTS[effort], only: WAYS_IN });
  const bare = rows.find(({ name }) => name === BARE);
  return { rows: rows.map((row) => rowOf(row, bare?.cpuMicros ?? Number.NaN)) };
}

function rowOf({ name, cpuMicros, loopMicros }: HandshakeRow, bareMicros: number): Row {
  const row = { what: name, figure: 1e6 / loopMicros, unit: '/s' } as const;
  if (name === BARE) return row;
  const compared = { ...row, ratio: { value: cpuMicros / bareMicros, to: 'CPU of bare' } } as const;
  if (name !== HS256) return compared;
  return { ...compared, bar: { on: 'figure', limit: 'least', value: 2_500 } };
}
