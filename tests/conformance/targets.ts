import { embeddings } from '../frameworks/embeddings.ts';
import type { Embed } from '../frameworks/embeddings.ts';
import { handshake } from '../support/exchange.ts';
import type { Answer, Handshake } from '../support/exchange.ts';
import { freshDatabase } from '../support/postgres.ts';
import type { Query, Scope } from '../support/postgres.ts';
import { startGateway } from '../support/gateway.ts';
import { startNginx } from '../support/nginx.ts';
import { packedFolder, programIn } from '../support/packed.ts';
import { findProgram } from '../support/programs.ts';
import { SECRET, signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { WsClient } from '../support/ws-client.ts';
import { startCompatibly } from './compatibility-start.ts';
import type { Event } from './compatibility-start.ts';
import { BASE_PATH, startEmbedded } from './embedded.ts';

/** How a gateway is started. The same for every target. */
export interface StartOptions {
  /** What verifies tokens: text, JWK, JWK set or PEM. {@link SECRET} by default. */
  readonly secret?: string;
  /** `POSTERN_*` variables besides; none by default. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** What a token says. */
export type Claims = Readonly<Record<string, unknown>>;

/** A gateway under test, wherever it runs. Scenarios know nothing else of it. */
export interface Target {
  readonly name: string;
  /**
   * A proxy stands before it, which speaks HTTP with clients in the gateway's place: it answers some
   * malformed requests itself, mends others, and keeps connections after a refusal.
   */
  readonly isProxied: boolean;
  readonly port: number;
  /**
   * What every path begins with; empty where the server is the gateway's own. What does not begin so is
   * answered by the program that the gateway is embedded in.
   */
  readonly basePath: string;
  /** With the base path. */
  readonly wsUrl: string;
  readonly databaseUrl: string;
  /** The database channel. */
  readonly channel: string;
  /** SQL on its database. */
  readonly query: Query;
  /** Waits until something was logged that has these fields, `event` among them. */
  logged(fields: Event): Promise<Event>;
  /** Sends a handshake for a target below the base path, `/` by default. */
  handshake(request?: Handshake): Promise<Answer>;
  /** Connects with claims that {@link SECRET} signs; the connection ends with the scope. */
  connect(scope: Scope, claims: Claims, pathChannel?: string): Promise<WsClient>;
}

/** A gateway that runs, with a database of its own. */
type Running = Pick<Target, 'port' | 'databaseUrl' | 'channel' | 'query'> & {
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
const kinds: Readonly<Record<string, Kind>> = {
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

/** Starts one gateway of each kind for the scope. */
export async function startTargets(
  scope: Scope,
  { secret = SECRET, environment = {} }: StartOptions = {},
): Promise<readonly Target[]> {
  const started = Object.entries(kinds).map(
    async ([name, { start, isHere, isProxied = false, basePath = '' }]) => {
      if (isHere !== undefined && !(await isHere())) return [];
      return [target({ name, isProxied, basePath }, await start(scope, { secret, environment }))];
    },
  );
  return (await Promise.all(started)).flat();
}

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

function target(
  kind: Pick<Target, 'name' | 'isProxied' | 'basePath'>,
  { events, ...running }: Running,
): Target {
  const { basePath } = kind;
  const wsUrl = `ws://127.0.0.1:${running.port}${basePath}`;
  return {
    ...kind,
    ...running,
    wsUrl,
    handshake: ({ target: path = '/', ...rest } = {}) =>
      handshake(running.port, { target: `${basePath}${path}`, ...rest }),
    logged: (fields) =>
      until(`a log line with ${JSON.stringify(fields)}`, () =>
        events().find((event) =>
          Object.entries(fields).every(([field, value]) => event[field] === value),
        ),
      ),
    connect: async (scope, claims, pathChannel) => {
      const path = await pathOf(claims, pathChannel);
      const client = await WsClient.connect(`${wsUrl}${path}`);
      scope.after(() => Promise.resolve(client.terminate()));
      return client;
    },
  };
}

/** The path of the raw protocol, with a token that {@link SECRET} signs. */
export async function pathOf(claims: Claims, pathChannel?: string): Promise<string> {
  const token = await signToken(claims);
  return pathChannel === undefined ? `/${token}` : `/${encodeURIComponent(pathChannel)}/${token}`;
}
