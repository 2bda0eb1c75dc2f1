/**
 * The long soak: `npm run soak [-- --minutes 10]`. A gateway under churn; prints what it holds as it
 * goes, then the slope of it, and fails when sessions leave something behind.
 */
import { parseArgs } from 'node:util';

import { describeSoak, leaks, soak } from '../tests/load/soak.ts';
import { withScope } from '../tests/load/with-scope.ts';

/** A leaked timer, closure or listener alone is about this large. */
const MOST_BYTES_PER_SESSION = 100;

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new TypeError('--minutes: expected a number above 0');

const report = await withScope((scope) =>
  soak(scope, {
    population: 200,
    leavingPerSecond: 40,
    messagesPerSecond: 100,
    // Longer than the history keeps messages: until then there are more of them each second.
    warmUpSeconds: 180,
    seconds: minutes * 60,
    sampleSeconds: 5,
    onSample: (at, { heldBytes, rssBytes, cpuSeconds }) =>
      console.log(
        `${at.toFixed(0).padStart(5)} s  held ${mebi(heldBytes)} MiB  resident ${mebi(rssBytes)} MiB  CPU ${cpuSeconds.toFixed(1)} s`,
      ),
  }),
);
console.log(`\n${describeSoak(report)}`);
const failed = leaks(report, MOST_BYTES_PER_SESSION) || Object.keys(report.unexpected).length > 0;
console.log(
  failed
    ? `FAILED: more than ${MOST_BYTES_PER_SESSION} bytes a session, or endings that nobody asked for: ${JSON.stringify(report.unexpected)}`
    : `passed: at most ${MOST_BYTES_PER_SESSION} bytes a session, beyond two standard errors`,
);
process.exitCode = failed ? 1 : 0;

function mebi(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
