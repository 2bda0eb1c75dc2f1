import { embeddings } from '../frameworks/embeddings.ts';
import type { Embed } from '../frameworks/embeddings.ts';
import { freshDatabase } from '../support/postgres.ts';
import type { Scope } from '../support/postgres.ts';
import { startGateway } from '../support/gateway.ts';
import { startNginx } from '../support/nginx.ts';
import { packedFolder, programIn } from '../support/packed.ts';
import { findProgram } from '../support/programs.ts';
import { startCompatibly } from './compatibility-start.ts';
import type { Event } from './compatibility-start.ts';
import { BASE_PATH, startEmbedded } from './embedded.ts';
import type { StartOptions, Target } from './targets.ts';

/** A gateway that runs, with a database of its own. */
export type Running = Pick<Target, 'databaseUrl' | 'channel' | 'query'> & {
  /** Of 127.0.0.1. */
  readonly port: number;
  /** Everything logged so far. */
  readonly events: () => readonly Event[];
};

type Start = (scope: Scope, options: Required<StartOptions>) => Promise<Running>;

/** A way to run a gateway. */
interface Kind {
  readonly start: Start;
  /** Whether this computer has what it needs: everywhere by default. The runner says what it has not. */
  readonly isHere?: () => boolean | Promise<boolean>;
  readonly isProxied?: boolean;
  readonly basePath?: string;
}

/**
 * The ways to run a gateway. Each behaves as postgres-websockets does where nothing else is said:
 * what is only asked for in a compatibility start is switched on for the library.
 */
export const kinds: Readonly<Record<string, Kind>> = {
  'the library': { start: startLibrary },
  'postern serve': { start: startProgram },
  'the packed tarballs': {
    start: startPacked,
    isHere: async () => (await packedFolder()) !== undefined,
  },
  'postern serve behind nginx': {
    start: startBehindNginx,
    isHere: () => findProgram('nginx') !== undefined,
    isProxied: true,
  },
  'embedded in node:http': { start: startIn(embeddings['node:http']), basePath: BASE_PATH },
  'embedded in Express': { start: startIn(embeddings.Express), basePath: BASE_PATH },
  'embedded in Fastify': { start: startIn(embeddings.Fastify), basePath: BASE_PATH },
  'embedded in Hono': { start: startIn(embeddings.Hono), basePath: BASE_PATH },
};

async function startLibrary(
  scope: Scope,
  { secret, environment }: Required<StartOptions>,
): Promise<Running> {
  const { url, channel, query } = await freshDatabase(scope);
  const { port, events } = await startGateway(scope, {
    databaseUrl: url,
    environment: asCompatible(channel, secret, environment),
  });
  const flat = (): readonly Event[] => events.map(({ event, fields }) => ({ event, ...fields }));
  return { port, databaseUrl: url, channel, query, events: flat };
}

/** Starts a gateway in a server of a program's. */
function startIn(embed: Embed): Start {
  return async (scope, { secret, environment }) => {
    const { url, channel, query } = await freshDatabase(scope);
    const { port, events } = await startEmbedded(scope, embed, {
      databaseUrl: url,
      environment: asCompatible(channel, secret, environment),
    });
    return { port, databaseUrl: url, channel, query, events };
  };
}

function asCompatible(
  channel: string,
  secret: string,
  environment: Required<StartOptions>['environment'],
): Required<StartOptions>['environment'] {
  return {
    POSTERN_DATABASE_CHANNEL: channel,
    POSTERN_JWT_SECRET: secret,
    POSTERN_OPEN_CHANNELS: 'true',
    POSTERN_CHANNEL_PATTERNS: 'false',
    POSTERN_REQUIRE_EXP: 'false',
    POSTERN_MAX_CONNECTION_AGE: '0',
    // A pool that grows while a test runs would look like a leak of that test.
    POSTERN_POOL_SIZE: '1',
    ...environment,
  };
}

async function startPacked(scope: Scope, options: Required<StartOptions>): Promise<Running> {
  const folder = await packedFolder();
  return startProgram(scope, options, folder && programIn(folder));
}

async function startBehindNginx(scope: Scope, options: Required<StartOptions>): Promise<Running> {
  const gateway = await startProgram(scope, options);
  const { port } = await startNginx(scope, gateway.port);
  return { ...gateway, port };
}

/** Starts the program of this repository, or another one. */
async function startProgram(
  scope: Scope,
  { secret, environment }: Required<StartOptions>,
  program?: string,
): Promise<Running> {
  const { url, channel, query } = await freshDatabase(scope);
  const { ready, events } = startCompatibly(
    scope,
    { url, channel, program },
    { PGWS_JWT_SECRET: secret, ...environment },
  );
  const { port } = await ready();
  return { port, databaseUrl: url, channel, query, events };
}
