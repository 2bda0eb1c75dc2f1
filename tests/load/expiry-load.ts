import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { percentile } from '../support/percentile.ts';
import type { Scope } from '../support/postgres.ts';
import { inTime } from '../support/wait.ts';
import type { StandInKind } from './stand-ins.ts';

/** Who waits for which end. */
export interface ExpiryPlan {
  readonly name: string;
  readonly of: StandInKind;
  readonly count: number;
  /** Ends are spread over so many seconds; only those of the first are waited for. */
  readonly spreadSeconds: number;
  /** Seconds until then. */
  readonly waitSeconds: number;
  /** The wall clock is set by so much while they wait, so that all of them are sorted anew. */
  readonly clockJumpMs: number;
}

/** How late the event loop came round. */
export interface Lag {
  readonly p99Ms: number;
  readonly longestMs: number;
  /** The most CPU time that one turn took: a machine that does something else as well adds nothing to it. */
  readonly longestCpuMs: number;
}

/** What came of a plan. */
export interface ExpiryFigures {
  /** What the wheel takes for each, beside what is the session's own. */
  readonly bytesEach: number;
  readonly waiting: Lag;
  /** From half a second before the end until the last one has ended. */
  readonly ending: Lag;
  readonly ended: number;
  /** When the last one had ended, after the second in which all of them were to. */
  readonly lastEndMs: number;
  /** Frames written from half a second before that second on; none to mortals. */
  readonly delivered: number;
  /** Those of them that were written when the second had come. */
  readonly late: number;
}

/** The figures of some runs: medians, but of `longestMs`, `lastEndMs` and `late` the most, and the least of counts. */
export type ExpiryRow = Omit<ExpiryPlan, 'waitSeconds'> & ExpiryFigures & { readonly runs: number };

const SUBJECT = fileURLToPath(new URL('expiry-subject.js', import.meta.url));
const PATIENCE_MS = 120_000;

/** Each waits so long for the end, for which it is to be ready by then. */
export function plansFor(count: number, waitSeconds: number): readonly ExpiryPlan[] {
  const plan = { of: 'mortals', count, spreadSeconds: 1, waitSeconds, clockJumpMs: 0 } as const;
  return [
    { ...plan, name: 'in one second' },
    { ...plan, name: 'within an hour', spreadSeconds: 3_600 },
    { ...plan, name: 'within a day', spreadSeconds: 86_400 },
    { ...plan, name: 'within an hour, clock set', spreadSeconds: 3_600, clockJumpMs: 200 },
    { ...plan, name: 'sessions, in one second', of: 'sessions' },
  ];
}

/** Carries out a plan so many times, each in a process of its own. */
export async function measureExpiry(
  scope: Scope,
  plan: ExpiryPlan,
  runs: number,
): Promise<ExpiryRow> {
  const figures: ExpiryFigures[] = [];
  while (figures.length < runs) figures.push(await carryOut(scope, plan));

  const median = (of: (one: ExpiryFigures) => number): number => percentile(figures.map(of), 50);
  const most = (of: (one: ExpiryFigures) => number): number => Math.max(...figures.map(of));
  return {
    ...plan,
    runs,
    bytesEach: median(({ bytesEach }) => bytesEach),
    waiting: lagOf(figures.map(({ waiting }) => waiting)),
    ending: lagOf(figures.map(({ ending }) => ending)),
    ended: Math.min(...figures.map(({ ended }) => ended)),
    lastEndMs: most(({ lastEndMs }) => lastEndMs),
    delivered: Math.min(...figures.map(({ delivered }) => delivered)),
    late: most(({ late }) => late),
  };
}

function lagOf(lags: readonly Lag[]): Lag {
  return {
    p99Ms: percentile(
      lags.map(({ p99Ms }) => p99Ms),
      50,
    ),
    longestMs: Math.max(...lags.map(({ longestMs }) => longestMs)),
    longestCpuMs: percentile(
      lags.map(({ longestCpuMs }) => longestCpuMs),
      50,
    ),
  };
}

async function carryOut(scope: Scope, plan: ExpiryPlan): Promise<ExpiryFigures> {
  const child = fork(SUBJECT, [JSON.stringify(plan)], { execArgv: ['--expose-gc'] });
  const exited = once(child, 'exit');
  scope.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const ended = exited.then(([code]) => {
    throw new Error(`The sessions ended with ${code}`);
  });
  const [figures] = await inTime(
    plan.name,
    Promise.race([once(child, 'message'), ended]),
    PATIENCE_MS,
  );
  await exited;
  return figures;
}
