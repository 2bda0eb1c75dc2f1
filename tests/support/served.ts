import { startPostern } from './child.ts';
import type { Child } from './child.ts';
import type { Scope } from './postgres.ts';
import { SECRET, signToken } from './tokens.ts';
import { until } from './wait.ts';
import { WsClient } from './ws-client.ts';

/** Where the database is, and what else is set in the environment. */
export interface ServeOptions {
  readonly url: string;
  /** The database channel. */
  readonly channel: string;
  /** Beside what every test has: a free port of 127.0.0.1, {@link SECRET}, URL tokens, no drain. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What follows `postern serve`; nothing by default. */
  readonly args?: readonly string[] | undefined;
}

/** `postern serve` in a process of its own, its port open. */
export interface Served {
  readonly child: Child;
  readonly port: number;
  /** Waits until clients are let in. */
  ready(deadlineMs?: number): Promise<void>;
  /** The status of a plain GET. */
  status(path: string): Promise<number>;
  /** Connects with these claims, signed by {@link SECRET}. */
  client(claims: Readonly<Record<string, unknown>>): Promise<WsClient>;
}

/** The environment of a gateway under test. */
export function environmentFor({ url, channel, environment = {} }: ServeOptions) {
  return {
    POSTERN_DATABASE_URL: url,
    POSTERN_DATABASE_CHANNEL: channel,
    POSTERN_HOST: '127.0.0.1',
    POSTERN_PORT: '0',
    POSTERN_JWT_SECRET: SECRET,
    POSTERN_URL_TOKENS: 'true',
    POSTERN_LOG_LEVEL: 'trace',
    POSTERN_DRAIN_SECONDS: '0',
    POSTERN_MESSAGES_PER_SECOND: '0',
    POSTERN_HANDSHAKES_PER_ADDRESS: '0',
    POSTERN_CONNECTIONS_PER_ADDRESS: '0',
    POSTERN_CONNECTIONS_PER_USER: '0',
    ...environment,
  };
}

/** Starts the program and waits until its port is open, which is before clients are let in. */
export async function serve(scope: Scope, options: ServeOptions): Promise<Served> {
  const child = startPostern(scope, ['serve', ...(options.args ?? [])], {
    env: environmentFor(options),
  });
  const port = Number(/"port":(\d+)/.exec(await child.line(/"event":"listening"/))?.[1]);
  const wsUrl = `ws://127.0.0.1:${port}`;
  const status = async (path: string): Promise<number> =>
    (await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } })).status;
  return {
    child,
    port,
    ready: (deadlineMs) =>
      until('a ready gateway', async () => (await status('/readyz')) === 200, deadlineMs).then(
        () => undefined,
      ),
    status,
    client: async (claims) => WsClient.connect(`${wsUrl}/${await signToken(claims)}`),
  };
}
