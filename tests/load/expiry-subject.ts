/**
 * Sessions that wait for their end, in a process of their own with `--expose-gc`: says over the channel
 * to its parent what they cost and how their end went. The argument is an {@link ExpiryPlan} as JSON.
 */
import { Hub } from '#gateway/hub/hub.js';
import type { Clock } from '#gateway/session/deadline.js';
import { deadlineAt, systemClock } from '#gateway/session/deadline.js';
import type { Mortal } from '#gateway/session/expiry.js';
import { ExpiryWheel } from '#gateway/session/expiry.js';

import { percentile } from '../support/percentile.ts';
import type { ExpiryFigures, ExpiryPlan, Lag } from './expiry-load.ts';
import { StandIns } from './stand-ins.ts';

const SETTLE_MS = 300;
/** Broadcasts begin so long before the end. */
const TALK_MS = 500;
const SAMPLE_MS = 1;

const plan: ExpiryPlan = JSON.parse(process.argv[2] ?? '');
process.send?.(await run(plan));
process.disconnect();

async function run({
  of,
  count,
  spreadSeconds,
  waitSeconds,
  clockJumpMs,
}: ExpiryPlan): Promise<ExpiryFigures> {
  let jumpedMs = 0;
  const clock: Clock = { ...systemClock, wallMs: () => systemClock.wallMs() + jumpedMs };
  const wheel = new ExpiryWheel(clock);
  const endMs = (Math.ceil(clock.wallMs() / 1000) + waitSeconds) * 1000;
  const standIns = new StandIns({ hub: new Hub(), wheel, clock, endMs });
  const mortals: Mortal[] = [];
  for (let index = 0; index < count; index++) {
    const ownMs = endMs + Math.floor((index * spreadSeconds) / count) * 1000;
    mortals.push(standIns.make(of, deadlineAt(ownMs, clock)));
  }

  const before = heldBytes();
  for (const mortal of mortals) wheel.add(mortal);
  const bytesEach = (heldBytes() - before) / count;

  wheel.start();
  await sampleUntil(() => false, SETTLE_MS);
  if (clock.wallMs() > endMs - 2 * TALK_MS) throw new Error('They were not ready in time');
  const waiting = await sampleUntil(
    () => clock.wallMs() >= endMs - TALK_MS,
    Infinity,
    (elapsedMs) => {
      if (elapsedMs > TALK_MS) jumpedMs = clockJumpMs;
    },
  );
  // The rest of those whose ends are spread is not waited for.
  const dueCount = mortals.filter(({ deadline }) => deadline.wallMs <= endMs).length;
  const ending = await sampleUntil(
    () => standIns.ended >= dueCount,
    Infinity,
    () => standIns.talk(),
  );
  wheel.stop();
  return {
    bytesEach,
    waiting: lagOf(waiting),
    ending: lagOf(ending),
    ended: standIns.ended,
    lastEndMs: standIns.lastEndMs - endMs,
    delivered: standIns.delivered,
    late: standIns.late,
  };
}

function heldBytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

interface Turn {
  /** How much later than it should the loop came round. */
  readonly lagMs: number;
  readonly cpuMs: number;
}

/** Looks at each turn of the loop, until then. */
async function sampleUntil(
  isOver: () => boolean,
  mostMs: number,
  eachTime: (elapsedMs: number) => void = () => {},
): Promise<readonly Turn[]> {
  const turns: Turn[] = [];
  const startMs = performance.now();
  let lastMs = startMs;
  let lastCpuMs = cpuMs();
  await new Promise<void>((resolve) => {
    const sample = (): void => {
      const nowMs = performance.now();
      const nowCpuMs = cpuMs();
      turns.push({ lagMs: nowMs - lastMs - SAMPLE_MS, cpuMs: nowCpuMs - lastCpuMs });
      eachTime(nowMs - startMs);
      lastMs = performance.now();
      lastCpuMs = cpuMs();
      if (isOver() || nowMs - startMs > mostMs) resolve();
      else setTimeout(sample, SAMPLE_MS);
    };
    setTimeout(sample, SAMPLE_MS);
  });
  return turns;
}

/** Of all threads: garbage is collected by others. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function lagOf(turns: readonly Turn[]): Lag {
  const lags = turns.map(({ lagMs }) => lagMs);
  return {
    p99Ms: percentile(lags, 99),
    longestMs: Math.max(...lags),
    longestCpuMs: Math.max(...turns.map((turn) => turn.cpuMs)),
  };
}
