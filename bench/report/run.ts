import { describeMachine } from '../machine.ts';
import type { BenchReport } from './report.ts';

/** Where and when a report was made, and of which versions. */
export function describeRun({ startedAt, machine, versions, parts }: BenchReport): string {
  const others = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const seconds = parts.reduce((sum, part) => sum + part.seconds, 0);
  return (
    `${describeMachine(machine)}; ${others.join(', ')}. ` +
    `${startedAt.slice(0, 10)}, in ${(seconds / 60).toFixed(1)} minutes.`
  );
}
