/**
 * Whether anything is lost in silence: `npm run bench:kill [-- --seed 7 --json FILE]`. docs/delivery.md says
 * what is done, and how to read it. Fails when anything was lost, doubled, out of order or foreign.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import type { ActName } from '../tests/delivery/acts.ts';
import { acts } from '../tests/delivery/acts.ts';
import { isClean } from '../tests/delivery/judge.ts';
import { describeKill } from '../tests/delivery/kill-report.ts';
import { killRun } from '../tests/delivery/kill-run.ts';
import { withScope } from '../tests/load/with-scope.ts';

/** Two breaks of each kind that a connection can have, and one of each of the others. */
const PLAN =
  'killListener,killPooled,stall,stopListenerLong,twoBreaks,killPooled,restartPostgres,killListenerTwice,killPooled';

const { values } = parseArgs({
  options: {
    acts: { type: 'string', default: PLAN },
    cuts: { type: 'string', default: '100' },
    'cut-seconds': { type: 'string', default: '55' },
    seed: { type: 'string', default: '1' },
    gateways: { type: 'string', default: '1' },
    'history-bytes': { type: 'string', default: '67108864' },
    'per-second': { type: 'string', default: '500' },
    quiet: { type: 'string', default: '3' },
    json: { type: 'string' },
  },
});
const names = values.acts.split(',').filter((name) => name !== '');
const unknown = names.find((name) => !Object.hasOwn(acts, name));
if (unknown !== undefined)
  throw new TypeError(`--acts: expected some of ${Object.keys(acts).join(', ')}`);

const report = await withScope((scope) =>
  killRun(scope, {
    seed: Number(values.seed),
    perSecond: Number(values['per-second']),
    gateways: Number(values.gateways),
    environment: {
      POSTERN_LISTENER_CHECK_SECONDS: '2',
      POSTERN_HISTORY_BYTES: values['history-bytes'],
    },
    acts: names.filter((name): name is ActName => Object.hasOwn(acts, name)),
    quietSeconds: Number(values.quiet),
    cuts: Number(values.cuts),
    cutSeconds: Number(values['cut-seconds']),
    onAct: (act) => process.stderr.write(`${act}\n`),
  }),
);
console.log(describeKill(report));
if (values.json !== undefined)
  writeFileSync(
    values.json,
    `${JSON.stringify(report, (_, value: unknown) => (value instanceof Map ? Object.fromEntries(value) : value), 2)}\n`,
  );
process.exitCode = report.verdicts.every(isClean) ? 0 : 1;
