import type { IncomingMessage } from 'node:http';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { printConfig } from '../config/describe.ts';
import { loadConfig } from '../config/load.ts';
import type { Options } from '../config/options.ts';
import { Secret } from '../config/secret.ts';
import { environment } from '../config/sources.ts';
import { keyRingFor, verifierFor } from '../verification.ts';
import type { HandleRequest } from '../http/routes.ts';
import type { Log } from '../observe/log.ts';
import { createLog } from '../observe/log.ts';
import { createCloseCodes } from '../session/close-codes.ts';
import { ensureLoginRole } from '../postgres/login-role.ts';
import { createStandalone } from '../standalone.ts';
import type { Standalone } from '../standalone.ts';
import type { Arguments } from './arguments.ts';
import { commandHelp, parseArguments } from './arguments.ts';
import { DATA, devKeys } from './dev-keys.ts';
import { createClientFiles } from './client-files.ts';
import { createDevRoutes } from './dev-routes.ts';
import { startEmbeddedPostgres } from './embedded/embedded-postgres.ts';
import { anyFreePort, portOrAny } from './free-port.ts';
import { firstSignal, runUntil } from './run.ts';
import { version } from '../version.ts';

const SUMMARY = `Runs a gateway to try things out with: its PostgreSQL and its keys are made up and kept in .postern/,
and only this computer can reach it.`;

const PAGE = fileURLToPath(new URL('../../dev-page/', import.meta.url));
const DOCS = fileURLToPath(new URL('../../../../docs/', import.meta.url));

const HOST = '127.0.0.1';

/** Where the metrics are, unless somebody is there already, such as another `postern dev`. */
const ADMIN_PORT = 3001;

/** Whose URL the page shows: every account of this computer may ask for it, so it is no superuser's. */
const ROLE = 'postern_dev';

/** The page is all that this port serves: it loads nothing from elsewhere and is framed by nobody. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; connect-src 'self' ws: wss:; frame-ancestors 'none'";

/** `postern dev`. */
export async function dev(args: readonly string[]): Promise<void> {
  const { flags, help, printConfig: onlyPrint } = parseArguments(args);
  if (help) {
    console.log(commandHelp('postern dev', SUMMARY));
    return;
  }
  const folder = resolve('.postern');
  const keys = devKeys(folder);
  const asGiven = devOptions(flags, keys.jwtSecret, await portOrAny(HOST, ADMIN_PORT));
  // Known before it is listened on: the page's origin has to be.
  const port = asGiven.port === 0 ? await anyFreePort(HOST) : asGiven.port;
  const options = { ...asGiven, port, publicUrl: asGiven.publicUrl ?? `http://localhost:${port}` };
  if (onlyPrint) {
    console.log(printConfig(options));
    return;
  }

  // Closing the terminal sends SIGHUP: nobody is left to try things out.
  const stopped = firstSignal(['SIGHUP', 'SIGINT', 'SIGTERM']);
  console.log('postern dev: starting PostgreSQL …');
  const { url: superuserUrl, stop } = await startEmbeddedPostgres({
    dataDir: resolve(folder, DATA),
    password: keys.databasePassword,
  });
  try {
    const url = await ensureLoginRole(superuserUrl, { name: ROLE, password: keys.rolePassword });
    const log = createLog({ level: options.logLevel, format: options.logFormat });
    const handleRequest = devRequests({ options, secret: keys.jwtSecret, databaseUrl: url, log });
    const gateway = createStandalone({
      ...options,
      databaseUrl: new Secret(url),
      log,
      handleRequest,
      development: true,
    });
    await runUntil(stopped, gateway, () => console.log(banner(gateway, url)));
  } finally {
    await stop();
  }
  process.exit(0);
}

/** Flags and environment as always, but for what makes it `dev`. */
function devOptions(flags: Arguments['flags'], jwtSecret: string, adminPort: number): Options {
  const own = Object.entries(environment()).filter(
    ([name]) => name.startsWith('POSTERN_') && !name.startsWith('POSTERN_DATABASE_URL'),
  );
  return loadConfig({
    environment: {
      POSTERN_DRAIN_SECONDS: '1',
      POSTERN_ADMIN_PORT: String(adminPort),
      ...Object.fromEntries(own),
    },
    flags: {
      ...flags,
      host: HOST,
      'admin-host': HOST,
      'jwt-secret': jwtSecret,
      'jwt-secret-base64': 'false',
      'url-tokens': 'true',
      'static-root': PAGE,
    },
  }).options;
}

interface DevRequests {
  readonly options: Options & { readonly publicUrl: string };
  readonly secret: string;
  readonly databaseUrl: string;
  readonly log: Log;
}

/** The routes of the page, and the headers that keep it to itself. */
function devRequests({ options, secret, databaseUrl, log }: DevRequests): HandleRequest {
  const silent: Log = () => {
    // The gateway itself makes the same of these options, and says what comes of it.
  };
  const onError = (error: unknown): void => log('request_failed', { error });
  const keys = keyRingFor(options, silent);
  keys.start();
  const routes = createDevRoutes({
    secret,
    databaseChannel: options.databaseChannel,
    databaseUrl,
    version: version(),
    closeCodeOf: createCloseCodes(options.closeCodes, silent),
    docsDir: DOCS,
    verify: verifierFor(options, keys),
    openChannels: options.openChannels,
    channelPatterns: options.channelPatterns,
    onError,
  });
  const clientFiles = createClientFiles(onError);
  return (request, response) => {
    response.setHeader('Content-Security-Policy', CONTENT_SECURITY_POLICY);
    if (!isElsewhere(request, options.publicUrl))
      return routes(request, response) || clientFiles(request, response);
    response.writeHead(302, { Location: options.publicUrl }).end();
    return true;
  };
}

/** Whether the page is asked for by an address of this computer: its origin would be another one, and not let in. */
function isElsewhere({ url, headers }: IncomingMessage, publicUrl: string): boolean {
  return (
    url === '/' && /^[\d[]/.test(headers.host ?? '') && new URL(publicUrl).hostname === 'localhost'
  );
}

function banner(gateway: Standalone, databaseUrl: string): string {
  return `
  postern ${version()} is open

  Page        http://localhost:${gateway.address?.port ?? ''}/
  WebSocket   ws://localhost:${gateway.address?.port ?? ''}/<channel>/<token>
  PostgreSQL  ${databaseUrl}
  Metrics     ${metricsUrl(gateway)}

  Ctrl-C ends it; keys and data stay in .postern/
`;
}

function metricsUrl({ adminAddress }: Standalone): string {
  return adminAddress === undefined
    ? 'none: POSTERN_ADMIN_PORT is off'
    : `http://localhost:${adminAddress.port}/metrics`;
}
