import { unwatchFile, watchFile } from 'node:fs';

/** How often each file is looked at. */
const LOOK_MS = 1_000;

/** A certificate and its key are replaced one after the other: this much later both are there. */
const QUIET_MS = 1_500;

/**
 * Calls `onChange` when files have changed, appeared or gone, as soon as they are quiet again. They are
 * looked at, rather than watched: that sees a link that points elsewhere, and works on every file
 * system. Keeps no process alive. Returns what stops it.
 */
export function watchFiles(paths: readonly string[], onChange: () => void): () => void {
  let quiet: NodeJS.Timeout | undefined;
  const changed = (): void => {
    clearTimeout(quiet);
    quiet = setTimeout(onChange, QUIET_MS).unref();
  };
  for (const path of paths) watchFile(path, { interval: LOOK_MS, persistent: false }, changed);

  return () => {
    clearTimeout(quiet);
    for (const path of paths) unwatchFile(path, changed);
  };
}
