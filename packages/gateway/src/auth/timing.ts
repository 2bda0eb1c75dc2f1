import { performance } from 'node:perf_hooks';

/** A clock that never goes back, and a timer on it. Passed in, so that tests can turn it. */
export interface Timing {
  nowMs(): number;
  /** Runs something once, later. Returns what cancels it. */
  after(ms: number, run: () => void): () => void;
}

/** The system's. Its timers keep no process alive. */
export const systemTiming: Timing = {
  nowMs: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms).unref();
    return () => clearTimeout(timer);
  },
};
