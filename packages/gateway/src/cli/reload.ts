import { changedOptions } from '../config/changes.ts';
import type { Loaded, Sources } from '../config/load.ts';
import { loadConfig } from '../config/load.ts';
import type { OptionName, Options } from '../config/options.ts';
import { watchFiles } from '../config/watch.ts';
import type { Log } from '../observe/log.ts';
import type { Standalone } from '../standalone.ts';

/** What runs, and what it was made of. */
interface Running {
  readonly sources: Sources;
  readonly loaded: Loaded;
  readonly gateway: Pick<Standalone, 'reload'>;
  readonly log: Log;
}

/** What needs no restart. */
const RELOADABLE: ReadonlySet<OptionName> = new Set([
  'jwtSecret',
  'jwtSecretBase64',
  'jwks',
  'adminToken',
]);

/** What needs none where there is TLS before and after. A port without it cannot begin. */
const RELOADABLE_WITH_TLS: ReadonlySet<OptionName> = new Set(['tlsCertificate', 'tlsKey']);

/**
 * Reads the configuration anew when a file of it changes, and at SIGHUP, and has the gateway take it
 * up. Returns what stops looking at files.
 */
export function reloadOnChange({ sources, loaded, gateway, log }: Running): () => void {
  let { files } = loaded;
  let said: readonly OptionName[] = [];

  const reload = (): void => {
    const next = loadAnew(sources, log);
    if (next === undefined) return;
    log('reloaded', { replaced: gateway.reload(next.options) });
    const names = restartNeeded(loaded.options, next.options);
    if (names.length > 0 && names.join() !== said.join()) log('restart_needed', { names });
    said = names;
    watch(next.files);
  };
  const watch = (paths: readonly string[]): void => {
    if (paths.join('\0') === files.join('\0')) return;
    unwatch();
    files = paths;
    unwatch = watchFiles(files, reload);
  };
  let unwatch = watchFiles(files, reload);
  // It stays for good: without a listener the signal would end the process, and cut off the drain.
  process.on('SIGHUP', reload);
  return () => unwatch();
}

/** The options whose change does not count before the next start. */
function restartNeeded(before: Options, after: Options): readonly OptionName[] {
  const hasTls = [before, after].every(({ tlsKey }) => tlsKey !== undefined);
  const counts = (name: OptionName): boolean =>
    RELOADABLE.has(name) || (hasTls && RELOADABLE_WITH_TLS.has(name));
  return changedOptions(before, after).filter((name) => !counts(name));
}

function loadAnew(sources: Sources, log: Log): Loaded | undefined {
  try {
    return loadConfig(sources);
  } catch (error) {
    log('reload_failed', { what: 'configuration', error });
    return undefined;
  }
}
