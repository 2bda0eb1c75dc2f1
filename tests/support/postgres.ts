import { randomBytes } from 'node:crypto';

import pg from 'pg';

import { migrate } from '#gateway/postgres/migrate.js';
import { readMigrations } from '#gateway/postgres/migrations.js';

import { readyData, throwaway } from './throwaway-server.ts';

/** Set by the test runner for all the files that it runs: one server serves them. */
const SHARED_URL = 'POSTERN_TEST_DATABASE_URL';

/** A database that nobody connects to: it has the schema `postern`, and others are made of it. */
const WITH_SCHEMA = 'with_schema';

/** Whose end cleans up: the context of a test, or `{ after }` of `node:test` for a whole file. */
export interface Scope {
  after(cleanUp: () => Promise<void>): void;
}

/** A server for tests. */
export interface SharedServer {
  /** Of the superuser and the database `postgres`. */
  readonly url: string;
  /** What tells the tests of it, and of data for servers of their own. */
  readonly environment: Readonly<Record<string, string>>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

/** Runs SQL and returns the rows. */
export type Query = (
  sql: string,
  parameters?: readonly unknown[],
) => Promise<readonly Record<string, unknown>[]>;

/** A database of one's own. */
export interface TestDatabase {
  readonly url: string;
  readonly name: string;
  /** The database channel to LISTEN on. */
  readonly channel: string;
  readonly query: Query;
  /** Drops it, connections and all, at the end of the scope or when called before. */
  drop(): Promise<void>;
}

/** Starts the server for a whole test run. */
export async function startSharedServer(): Promise<SharedServer> {
  const ready = await readyData();
  const data = await throwaway({ max_connections: '200' }, ready.environment);
  const { url, stop } = await data.start();
  await makeTemplate(url);
  return {
    url,
    environment: { ...ready.environment, [SHARED_URL]: url },
    stop: () => stop().then(data.remove).then(ready.remove),
  };
}

/** So that each gateway of a test run need not migrate a database of its own. */
async function makeTemplate(url: string): Promise<void> {
  const { query, close } = connect(url);
  await query(`CREATE DATABASE ${WITH_SCHEMA}`);
  const client = new pg.Client({ connectionString: urlOf(WITH_SCHEMA, url) });
  await client.connect();
  await migrate(client, readMigrations());
  await client.end();
  await query(`ALTER DATABASE ${WITH_SCHEMA} ALLOW_CONNECTIONS false`);
  await close();
}

function urlOf(name: string, serverUrl: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** What a database is to have. */
export interface FreshOptions {
  /** The schema `postern`, as if a gateway had migrated it. Default: nothing at all. */
  readonly hasSchema?: boolean;
}

/** Makes a database on the server of the test run, or on one that runs just for this file. */
export async function freshDatabase(
  scope: Scope,
  { hasSchema = false }: FreshOptions = {},
): Promise<TestDatabase> {
  const server = await borrowServer();
  const name = `test_${randomBytes(8).toString('hex')}`;
  // By files: through the log of the server, as it is done otherwise, it takes three times as long.
  const template = hasSchema ? WITH_SCHEMA : 'template1';
  await server.query(`CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY FILE_COPY`);

  const url = urlOf(name, server.url);
  const { query, close } = connect(url);
  const cleanUp = async (): Promise<void> => {
    await close();
    await server.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await server.giveBack();
  };
  let dropped: Promise<void> | undefined;
  const drop = (): Promise<void> => (dropped ??= cleanUp());
  scope.after(drop);
  return { url, name, channel: `listener-${name}`, query, drop };
}

/** A few connections for the statements of a test. They are opened when needed, and anew after a break. */
export function connect(url: string): { readonly query: Query; close(): Promise<void> } {
  const pool = new pg.Pool({ connectionString: url, max: 2, allowExitOnIdle: true });
  pool.on('error', () => {
    // The server went away, as tests make it do. The next query opens a new connection.
  });
  const query: Query = async (sql, parameters = []) =>
    (await pool.query<Record<string, unknown>>(sql, [...parameters])).rows;
  return { query, close: () => pool.end() };
}

interface BorrowedServer {
  readonly url: string;
  /** Of the superuser: a connection is kept, since to open one costs as much as a statement. */
  readonly query: Query;
  giveBack(): Promise<void>;
}

type Lent = Omit<BorrowedServer, 'giveBack'> & { stop(): Promise<void> };

let shared: Lent | undefined;
let ownServer: Promise<Lent> | undefined;
let borrowers = 0;

/** A server of our own lives from the first to the last borrower: a file run by hand must come to an end. */
async function borrowServer(): Promise<BorrowedServer> {
  const url = process.env[SHARED_URL];
  if (url !== undefined) {
    shared ??= lend({ url, stop: async () => {} });
    return { ...shared, giveBack: async () => {} };
  }

  borrowers++;
  ownServer ??= startSharedServer().then(lend);
  const server = await ownServer;
  const giveBack = async (): Promise<void> => {
    if (--borrowers > 0) return;
    ownServer = undefined;
    await server.stop();
  };
  return { ...server, giveBack };
}

function lend({ url, stop }: Pick<SharedServer, 'url' | 'stop'>): Lent {
  const { query, close } = connect(url);
  return { url, query, stop: () => close().then(stop) };
}
