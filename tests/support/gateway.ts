import { loadConfig } from '#gateway/config/load.js';
import type { Options } from '#gateway/config/options.js';
import type { EventName } from '#gateway/observe/events.js';
import type { Fields, Log } from '#gateway/observe/log.js';
import { createStandalone } from '#gateway/standalone.js';
import type { Standalone, StandaloneOptions } from '#gateway/standalone.js';

import { heard, keepSecretsOf } from './evidence.ts';
import { freshDatabase } from './postgres.ts';
import type { Query, Scope } from './postgres.ts';
import { SECRET, signToken } from './tokens.ts';
import { until } from './wait.ts';
import { WsClient } from './ws-client.ts';

/** The options of a gateway under test, as environment variables; and hooks, if it needs some. */
export interface TestGatewayOptions {
  /** Beside what every test has: a database of its own, a free port, {@link SECRET}, URL tokens. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly hooks?: Partial<StandaloneOptions>;
  /** Where the database is, when it is not to be a fresh one. */
  readonly databaseUrl?: string | undefined;
}

/** One event that the gateway logged. */
export interface LoggedEvent {
  readonly event: EventName;
  readonly fields: Fields;
}

/** A gateway in this process, with a database of its own. */
export interface TestGateway {
  readonly gateway: Standalone;
  readonly port: number;
  /** `ws://127.0.0.1:<port>`. */
  readonly wsUrl: string;
  /** `http://127.0.0.1:<port>`. */
  readonly httpUrl: string;
  /** The database channel. */
  readonly channel: string;
  /** SQL on the gateway's database; not there when `databaseUrl` was given. */
  readonly query: Query;
  /** Everything logged so far. */
  readonly events: readonly LoggedEvent[];
  /** Connects with these claims, signed by {@link SECRET}; `channel` goes into the path. */
  client(claims: Readonly<Record<string, unknown>>, channel?: string): Promise<WsClient>;
  /** Waits until an event is logged, and returns its fields. */
  logged(event: EventName, deadlineMs?: number): Promise<Fields>;
}

/** The options of a gateway under test. */
export function optionsFor({
  environment = {},
  databaseUrl,
}: Pick<TestGatewayOptions, 'environment' | 'databaseUrl'>): Options {
  const all = {
    POSTERN_DATABASE_URL: databaseUrl,
    POSTERN_HOST: '127.0.0.1',
    POSTERN_PORT: '0',
    POSTERN_JWT_SECRET: SECRET,
    POSTERN_URL_TOKENS: 'true',
    POSTERN_DRAIN_SECONDS: '0',
    // What tests send and open at once would be too much of anybody.
    POSTERN_MESSAGES_PER_SECOND: '0',
    POSTERN_HANDSHAKES_PER_ADDRESS: '0',
    POSTERN_CONNECTIONS_PER_ADDRESS: '0',
    POSTERN_CONNECTIONS_PER_USER: '0',
    ...environment,
  };
  keepSecretsOf(all);
  return loadConfig({ environment: all }).options;
}

/** Starts a gateway that is stopped at the end of the scope. */
export async function startGateway(
  scope: Scope,
  { environment = {}, hooks = {}, databaseUrl }: TestGatewayOptions = {},
): Promise<TestGateway> {
  // Whoever says something about the schema has a test of it.
  const hasSchema = environment['POSTERN_MIGRATE'] === undefined;
  const database =
    databaseUrl === undefined ? await freshDatabase(scope, { hasSchema }) : undefined;
  const channel = database?.channel ?? 'postgres-websockets-listener';
  const options = optionsFor({
    databaseUrl: database?.url ?? databaseUrl,
    environment: { POSTERN_DATABASE_CHANNEL: channel, ...environment },
  });
  const events: LoggedEvent[] = [];
  const record: Log = (event, fields = {}) => void events.push({ event, fields });
  const log = heard(hooks.log ?? record);
  const gateway = createStandalone({ ...options, ...hooks, log });
  scope.after(() => gateway.stop());
  await gateway.start();

  const port = gateway.address?.port ?? 0;
  const wsUrl = `ws://127.0.0.1:${port}`;
  return {
    gateway,
    port,
    wsUrl,
    httpUrl: `http://127.0.0.1:${port}`,
    channel: options.databaseChannel,
    query: database?.query ?? (() => Promise.reject(new Error('Use the query of your own server'))),
    events,
    client: async (claims, pathChannel) => {
      const token = await signToken(claims);
      const path =
        pathChannel === undefined ? token : `${encodeURIComponent(pathChannel)}/${token}`;
      return await WsClient.connect(`${wsUrl}/${path}`);
    },
    logged: (event, deadlineMs) =>
      until(
        `the event ${event}`,
        () => events.find((entry) => entry.event === event)?.fields,
        deadlineMs,
      ),
  };
}
