import { printConfig } from '../config/describe.ts';
import type { Loaded } from '../config/load.ts';
import { loadConfig } from '../config/load.ts';
import { environment } from '../config/sources.ts';
import { GatewayError } from '../errors.ts';
import type { Log } from '../observe/log.ts';
import { createLog } from '../observe/log.ts';
import { createStandalone } from '../standalone.ts';
import { commandHelp, parseArguments } from './arguments.ts';
import { reloadOnChange } from './reload.ts';
import { firstSignal, runUntil } from './run.ts';

const SUMMARY = 'Runs the gateway between a PostgreSQL database and WebSocket clients.';

/** `postern serve`. */
export async function serve(args: readonly string[]): Promise<void> {
  const { flags, help, printConfig: onlyPrint } = parseArguments(args);
  if (help) {
    console.log(commandHelp('postern serve', SUMMARY));
    return;
  }
  const sources = { flags, environment: environment() };
  const loaded = loadConfig(sources);
  if (onlyPrint) {
    console.log(printConfig(loaded.options));
    return;
  }
  if (loaded.options.databaseUrl === undefined)
    throw new GatewayError('POSTERN_CONFIG', {
      detail:
        'POSTERN_DATABASE_URL is not set. To try postern without a database of your own, run `postern dev`.',
    });

  const log = createLog({ level: loaded.options.logLevel, format: loaded.options.logFormat });
  sayHowItStarts(loaded, log);
  const stopped = firstSignal(['SIGINT', 'SIGTERM']);
  const gateway = createStandalone({ ...loaded.options, log });
  const stopReloading = reloadOnChange({ sources, loaded, gateway, log });
  await runUntil(stopped.then(stopReloading), gateway);
  process.exit(0);
}

/** What an operator should know about this configuration before the first client comes. */
function sayHowItStarts({ options, compatibilityStart, unknownVariables }: Loaded, log: Log): void {
  if (compatibilityStart)
    log('compatibility_start', {
      safer: 'POSTERN_JWT_SECRET, POSTERN_REQUIRE_EXP=true, POSTERN_OPEN_CHANNELS=false',
      see: 'docs/migration.md',
    });
  else if (options.openChannels) log('open_channels');
  const { allowedOrigins, embedOrigins, publicUrl, secrets } = options;
  const isForPages = allowedOrigins.length + embedOrigins.length > 0 || publicUrl !== undefined;
  if (!isForPages && !options.urlTokens) log('no_pages');
  if (isForPages && secrets === undefined) log('random_secrets');
  if (unknownVariables.length > 0) log('unknown_variables', { names: unknownVariables });
}
