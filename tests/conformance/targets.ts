import { after } from 'node:test';

import { handshake } from '../support/exchange.ts';
import type { Answer, Handshake } from '../support/exchange.ts';
import { placeOf } from '../support/place.ts';
import type { Place } from '../support/place.ts';
import type { Query, Scope } from '../support/postgres.ts';
import { SECRET } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { WsClient } from '../support/ws-client.ts';
import type { Event } from './compatibility-start.ts';
import { givenTarget } from './given-target.ts';
import type { Running } from './kinds.ts';
import { pathOf } from './path.ts';
import type { Claims } from './path.ts';

export { pathOf };
export type { Claims };

/** How a gateway is started. The same for every target. */
export interface StartOptions {
  /** What verifies tokens: text, JWK, JWK set or PEM. {@link SECRET} by default. */
  readonly secret?: string;
  /** `POSTERN_*` variables besides; none by default. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A gateway under test, wherever it runs. Scenarios know nothing else of it. */
export interface Target {
  readonly name: string;
  /**
   * A proxy stands before it, which speaks HTTP with clients in the gateway's place: it answers some
   * malformed requests itself, mends others, and keeps connections after a refusal.
   */
  readonly isProxied: boolean;
  readonly place: Place;
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

const startedBefore = new Map<string, Promise<readonly Target[]>>();

/**
 * Starts one gateway of each kind, once for all files of this process that want them like this; or takes the
 * one that the run was given. They end with the process.
 */
export function startTargets({ secret = SECRET, environment = {} }: StartOptions = {}): Promise<
  readonly Target[]
> {
  const options = { secret, environment };
  const key = JSON.stringify(options);
  const targets = startedBefore.get(key) ?? startEach(options);
  startedBefore.set(key, targets);
  return targets;
}

async function startEach(options: Required<StartOptions>): Promise<readonly Target[]> {
  const given = givenTarget({ after }, unusualIn(options));
  if (given !== undefined) return [given];

  // Only now, and not at the top: who was given a gateway need not load all these.
  const { kinds } = await import('./kinds.ts');
  const started = Object.entries(kinds).map(
    async ([name, { start, isHere, isProxied = false, basePath = '' }]) => {
      if (isHere !== undefined && !(await isHere())) return [];
      return [target({ name, isProxied, basePath }, await start({ after }, options))];
    },
  );
  return (await Promise.all(started)).flat();
}

/** What is asked for that not every gateway is like: for people, and without what is secret. */
function unusualIn({ secret, environment }: Required<StartOptions>): readonly string[] {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  return secret === SECRET ? variables : ['other keys', ...Object.keys(environment)];
}

function target(
  kind: Pick<Target, 'name' | 'isProxied' | 'basePath'>,
  { port, events, ...running }: Running,
): Target {
  const { basePath } = kind;
  const wsUrl = `ws://127.0.0.1:${port}${basePath}`;
  return {
    ...kind,
    ...running,
    place: placeOf(port),
    wsUrl,
    handshake: ({ target: path = '/', ...rest } = {}) =>
      handshake(port, { target: `${basePath}${path}`, ...rest }),
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
