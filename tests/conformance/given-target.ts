import { handshake } from '../support/exchange.ts';
import { placeIn } from '../support/place.ts';
import { connect } from '../support/postgres.ts';
import type { Query, Scope } from '../support/postgres.ts';
import { WsClient } from '../support/ws-client.ts';
import { LeftOut } from './left-out.ts';
import { pathOf } from './path.ts';
import type { Target } from './targets.ts';

/** What `npm run conformance` says of the gateway that it was given. The secret is that of the tokens. */
export const GIVEN = {
  url: 'CONFORMANCE_URL',
  isProxied: 'CONFORMANCE_PROXIED',
  databaseUrl: 'CONFORMANCE_DATABASE',
  channel: 'CONFORMANCE_CHANNEL',
} as const;

const NO_DATABASE = 'SQL on its database: --database, --database-channel';

/**
 * The gateway that this run was given by its URL; `undefined`: none, the run starts its own. Of one that
 * scenarios want configured in an unusual way, every use leaves the scenario out that makes it.
 */
export function givenTarget(scope: Scope, unusual: readonly string[] = []): Target | undefined {
  const url = process.env[GIVEN.url];
  if (url === undefined) return undefined;

  const place = placeIn(new URL(url));
  const wsUrl = url.replace(/\/$/, '');
  const basePath = new URL(url).pathname.replace(/\/$/, '');
  const ifUsual = <T>(value: T): T => {
    if (unusual.length > 0) throw new LeftOut(`a gateway with ${unusual.join(', ')}`);
    return value;
  };
  const database = databaseOf(scope);
  return {
    name: 'the given gateway',
    isProxied: process.env[GIVEN.isProxied] === 'true',
    basePath,
    get place() {
      return ifUsual(place);
    },
    get wsUrl() {
      return ifUsual(wsUrl);
    },
    get databaseUrl() {
      return ifUsual(database).url;
    },
    get channel() {
      return ifUsual(database).channel;
    },
    query: async (...statement) => await ifUsual(database).query(...statement),
    logged: async () => {
      throw new LeftOut('its log');
    },
    handshake: async ({ target: path = '/', ...rest } = {}) =>
      await handshake(ifUsual(place), { target: `${basePath}${path}`, ...rest }),
    connect: async (own, claims, pathChannel) => {
      const path = await pathOf(claims, pathChannel);
      const client = await connectRaw(`${ifUsual(wsUrl)}${path}`);
      own.after(() => Promise.resolve(client.terminate()));
      return client;
    },
  };
}

/** Connects as a raw client. Where there is no raw protocol, nothing can be said of it. */
async function connectRaw(url: string): Promise<WsClient> {
  try {
    return await WsClient.connect(url);
  } catch (error) {
    if (error instanceof Error && / refused: 404 /.test(error.message))
      throw new LeftOut('raw clients: it answers 404 to them', { cause: error });
    throw error;
  }
}

/** The database, as far as it was given. */
function databaseOf(scope: Scope) {
  const given = process.env[GIVEN.databaseUrl];
  const channel = process.env[GIVEN.channel];
  const there = <T>(value: T | undefined): T => {
    if (value === undefined) throw new LeftOut(NO_DATABASE);
    return value;
  };
  let opened: ReturnType<typeof connect> | undefined;
  scope.after(async () => await opened?.close());
  const query: Query = async (...statement) => {
    opened ??= connect(there(given));
    return await opened.query(...statement);
  };
  return {
    get url() {
      return there(given);
    },
    get channel() {
      return there(channel);
    },
    query,
  };
}
