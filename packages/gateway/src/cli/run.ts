import type { Standalone } from '../standalone.ts';

/** A second signal does not wait: the codes that shells give a program ended by a signal. */
const exitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** What follows the first so soon is the same one: npm hands on a Ctrl-C that we were sent as well. */
const SAME_SIGNAL_MS = 250;

/** Resolves at the first of these signals; a second one ends the process at once. */
export async function firstSignal(signals: readonly (keyof typeof exitCodes)[]): Promise<void> {
  await new Promise<void>((resolve) => {
    let firstMs: number | undefined;
    for (const signal of signals)
      process.on(signal, () => {
        firstMs ??= performance.now();
        if (performance.now() - firstMs > SAME_SIGNAL_MS) process.exit(exitCodes[signal]);
        resolve();
      });
  });
}

/**
 * Runs a gateway, or part of one, until `stopped` resolves, and drains it then. Rejects with what it cannot start
 * for, or cannot go on without. `onReady` is called when clients are let in.
 */
export async function runUntil(
  stopped: Promise<void>,
  gateway: Pick<Standalone, 'start' | 'stop' | 'lost'>,
  onReady: () => void = () => {},
): Promise<void> {
  try {
    await Promise.race([
      stopped,
      gateway
        .start()
        .then(onReady)
        .then(() => gateway.lost),
    ]);
  } finally {
    await gateway.stop();
  }
}
