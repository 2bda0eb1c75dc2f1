import { TLSSocket } from 'node:tls';
import type { Client } from 'pg';
import { answerWithin } from './connect.ts';
import { readMigrations } from './migrations.ts';
import { missingRights } from './rights.ts';
import { inspectSchema, isUsable } from './schema-state.ts';
import type { SchemaState } from './schema-state.ts';

/** What a server tells of itself, and what there is to see of the connection to it. */
export interface ServerFacts {
  /** As `server_version_num` has it: 180004 is 18.4. */
  readonly version: number;
  readonly encoding: string;
  readonly replica: boolean;
  /** Whether another process answers than the one that was announced: a pooler is in between. */
  readonly pooled: boolean;
  /** How the schema `postern` stands to this program. */
  readonly schema: SchemaState;
  /** The tables of it, once it is there, that this user lacks rights to. */
  readonly forbiddenTables: readonly string[];
  /** The database channel that `postern.publish` notifies. */
  readonly publishChannel: string;
  /** How full the queue of notifications is, from 0 to 1. */
  readonly queueUsage: number;
  /** How many more connections this user would be given now. */
  readonly connectionsLeft: number;
  /** How many there are for this user, when nobody else takes any. */
  readonly connectionsAtMost: number;
  readonly clock: ClockDifference;
  readonly tls: ServerTls;
}

/** How far the server's clock is ahead of this machine's, in seconds, and how sure that is. */
export interface ClockDifference {
  readonly seconds: number;
  readonly uncertainty: number;
}

/** The encryption of the connection. */
export interface ServerTls {
  readonly encrypted: boolean;
  /** Whether somebody trusted vouches for the server's certificate. */
  readonly trusted: boolean;
  /** When it expires; `undefined`: there is none to see. */
  readonly expires: Date | undefined;
}

const ANSWER_DEADLINE_MS = 5_000;
const CLOCK_SAMPLES = 5;

interface Row {
  readonly version: number;
  readonly encoding: string;
  readonly replica: boolean;
  readonly pid: number;
  readonly publishChannel: string;
  readonly queueUsage: number;
  readonly connectionsLeft: number;
  readonly connectionsAtMost: number;
}

const QUESTION = `
  WITH place AS (
    SELECT current_setting('max_connections')::int
        - current_setting('superuser_reserved_connections')::int
        - coalesce(current_setting('reserved_connections', true)::int, 0) AS whole,
      nullif((SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user), -1) AS role,
      nullif((SELECT datconnlimit FROM pg_database WHERE datname = current_database()), -1) AS base
  ), taken AS (
    SELECT count(*)::int AS whole,
      count(*) FILTER (WHERE usename = current_user)::int AS role,
      count(*) FILTER (WHERE datname = current_database())::int AS base
    FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
  )
  SELECT current_setting('server_version_num')::int AS version,
    current_setting('server_encoding') AS encoding,
    pg_is_in_recovery() AS replica,
    pg_backend_pid() AS pid,
    coalesce(nullif(current_setting('postern.database_channel', true), ''),
      'postgres-websockets-listener') AS "publishChannel",
    pg_notification_queue_usage()::float8 AS "queueUsage",
    least(place.whole - taken.whole, place.role - taken.role, place.base - taken.base)
      AS "connectionsLeft",
    least(place.whole, place.role, place.base) AS "connectionsAtMost"
  FROM place, taken`;

/** Asks a server about itself. It changes nothing there. */
export async function inspectServer(client: Client): Promise<ServerFacts> {
  const query = client.query<Row>(QUESTION);
  const [row] = (await answerWithin(ANSWER_DEADLINE_MS, client, query)).rows;
  if (row === undefined) throw new Error('The server answered without a row');

  const { pid, ...facts } = row;
  const schema = await answerWithin(
    ANSWER_DEADLINE_MS,
    client,
    inspectSchema(client, readMigrations()),
  );
  const announced = 'processID' in client ? client.processID : pid;
  return {
    ...facts,
    pooled: announced !== pid,
    schema,
    forbiddenTables: isUsable(schema)
      ? await answerWithin(ANSWER_DEADLINE_MS, client, missingRights(client))
      : [],
    clock: await clockDifference(client),
    tls: tlsOf(client),
  };
}

/**
 * The server's clock was read somewhere between question and answer: half of that time is what is
 * not known, so the quickest of several answers says most.
 */
async function clockDifference(client: Client): Promise<ClockDifference> {
  let best: ClockDifference = { seconds: 0, uncertainty: Infinity };
  for (let sample = 0; sample < CLOCK_SAMPLES; sample++) {
    const wallMs = Date.now();
    const startMs = performance.now();
    const query = client.query<{ now: number }>(
      'SELECT extract(epoch FROM clock_timestamp())::float8 AS now',
    );
    const [row] = (await answerWithin(ANSWER_DEADLINE_MS, client, query)).rows;
    const uncertainty = (performance.now() - startMs) / 2000;
    const seconds = (row?.now ?? 0) - (wallMs / 1000 + uncertainty);
    if (uncertainty < best.uncertainty) best = { seconds, uncertainty };
  }
  return best;
}

function tlsOf(client: Client): ServerTls {
  const { stream } = client.connection;
  if (!(stream instanceof TLSSocket))
    return { encrypted: false, trusted: false, expires: undefined };
  const { valid_to: expires } = stream.getPeerCertificate();
  return {
    encrypted: true,
    trusted: stream.authorized,
    expires: expires === undefined ? undefined : new Date(expires),
  };
}
