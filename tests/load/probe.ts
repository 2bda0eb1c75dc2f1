/**
 * Loaded into a process under measurement, by `--import` and with `--expose-gc`: answers what it is
 * asked over the channel to its parent, each question with one JSON text, in their order.
 */
import { existsSync, readFileSync } from 'node:fs';
import { Session } from 'node:inspector';

/** Nanoseconds on a processor of the thread that asks, the first of three numbers. Linux only. */
const THREAD_CLOCK = '/proc/self/schedstat';

/** Short beside a handshake, so that each is seen some times. */
const SAMPLE_MICROS = 100;

const inspector = new Session();

const answers: Readonly<Record<string, () => unknown>> = {
  memory: () => {
    // Twice: what a finalizer let go of in the first round is collected in the second.
    globalThis.gc?.();
    globalThis.gc?.();
    const { rss, heapUsed, external } = process.memoryUsage();
    return { rssBytes: rss, heldBytes: heapUsed + external, cpuSeconds: cpuSeconds() };
  },
  cpu: () => ({ cpuSeconds: cpuSeconds(), loopSeconds: loopSeconds() }),
  profile: () => {
    inspector.connect();
    inspector.post('Profiler.enable');
    inspector.post('Profiler.setSamplingInterval', { interval: SAMPLE_MICROS });
    inspector.post('Profiler.start');
    return {};
  },
  profiled: () => {
    let profile: unknown;
    inspector.post('Profiler.stop', (_error, stopped) => (profile = stopped.profile));
    inspector.disconnect();
    return profile;
  },
};

process.on('message', (question) => {
  process.send?.(JSON.stringify(answers[String(question)]?.()));
});
// Whoever measured is gone.
process.on('disconnect', () => process.exit());

/** User and system time of all threads, since the start. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** That of the thread with the event loop. */
function loopSeconds(): number | undefined {
  if (!existsSync(THREAD_CLOCK)) return undefined;
  return Number(readFileSync(THREAD_CLOCK, 'utf8').split(' ')[0]) / 1e9;
}
