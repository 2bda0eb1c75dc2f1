import type { ClientBase } from 'pg';
import { OWN_NAMES } from './schema-state.ts';

/** A session, as it is shown. */
export interface PresentSession {
  readonly id: string;
  readonly sub: string | undefined;
  readonly sid: string | undefined;
  readonly protocol: string;
  readonly address: string | undefined;
  /** Seconds since it began: clocks of gateway and database may differ. */
  readonly seconds: number;
  /** UNIX seconds; undefined: never. */
  readonly expiresAt: number | undefined;
}

/** Which gateway it is: a name of each run, and the computer that it runs on. */
export interface GatewayName {
  readonly gateway: string;
  readonly host: string;
}

/** What is one write: all of it, or nothing. */
export interface PresenceWrite {
  /** Renews the lease, and returns its length in seconds; undefined: others have cleared it away. */
  renew(): Promise<number | undefined>;
  /** Begins anew, with no session, and returns the length of the lease in seconds. */
  enrol(): Promise<number>;
  take(ids: readonly string[]): Promise<void>;
  /** Those that are there already are brought up to date. */
  put(sessions: readonly PresentSession[]): Promise<void>;
  /** Clears away gateways whose lease is over, with their sessions. */
  sweep(): Promise<void>;
}

/**
 * Nobody waits long, and nothing is left behind that does: whoever locks these tables for an hour would
 * otherwise gather a waiting backend for each attempt. What an unlogged table holds needs no disk.
 */
const BEGIN = `
  BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;
  ${OWN_NAMES};
  SET LOCAL lock_timeout TO '500ms';
  SET LOCAL statement_timeout TO '5s';
  SET LOCAL idle_in_transaction_session_timeout TO '5s';
  SET LOCAL synchronous_commit TO off`;

/** So many sessions are one statement: a name may be long, and all of them are in memory twice. */
const ROWS = 1_000;

const LEASE = `extract(epoch FROM lease)::float8 AS seconds, current_setting('server_encoding') AS encoding`;

/** The row of the gateway is locked from here on: nobody clears it away beneath its sessions. */
const RENEW = `
  UPDATE postern.gateway SET renewed_at = clock_timestamp() WHERE gateway = $1 RETURNING ${LEASE}`;

const ENROL = `
  INSERT INTO postern.gateway (gateway, host) VALUES ($1, $2)
  ON CONFLICT (gateway) DO UPDATE SET renewed_at = clock_timestamp() RETURNING ${LEASE}`;

const EMPTY = 'DELETE FROM postern.present_session WHERE gateway = $1';

const TAKE =
  'DELETE FROM postern.present_session WHERE session = ANY ($2::uuid[]) AND gateway = $1';

const PUT = `
  INSERT INTO postern.present_session AS present
    (gateway, session, sub, sid, protocol, address, connected_at, expires_at)
  SELECT $1, session, sub, sid, protocol, address,
    clock_timestamp() - make_interval(secs => seconds), to_timestamp(expires)
  FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::float8[], $8::float8[])
    AS come (session, sub, sid, protocol, address, seconds, expires)
  ON CONFLICT (session) DO UPDATE
    SET sub = excluded.sub, sid = excluded.sid, expires_at = excluded.expires_at`;

/** One that is just being renewed, or cleared away by another, is not waited for. */
const SWEEP = `
  DELETE FROM postern.gateway WHERE gateway IN (
    SELECT gateway FROM postern.gateway WHERE renewed_at + lease <= clock_timestamp()
    FOR UPDATE SKIP LOCKED)`;

/** Writes something, in a transaction of its own. */
export async function writePresence(
  client: ClientBase,
  name: GatewayName,
  work: (write: PresenceWrite) => Promise<void>,
): Promise<void> {
  await client.query(BEGIN);
  try {
    await work(writing(client, name));
    await client.query('COMMIT');
  } catch (error) {
    // Where the connection is gone the server has rolled back by itself.
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** Takes a gateway out, with its sessions. */
export async function leavePresence(client: ClientBase, { gateway }: GatewayName): Promise<void> {
  await client.query(BEGIN);
  await client.query('DELETE FROM postern.gateway WHERE gateway = $1', [gateway]);
  await client.query('COMMIT');
}

interface Lease {
  readonly seconds: number;
  readonly encoding: string;
}

function writing(client: ClientBase, { gateway, host }: GatewayName): PresenceWrite {
  let isUnicode = false;
  const lease = async (sql: string, values: readonly string[]): Promise<number | undefined> => {
    const [row] = (await client.query<Lease>(sql, [...values])).rows;
    isUnicode = row?.encoding === 'UTF8';
    return row?.seconds;
  };
  return {
    renew: () => lease(RENEW, [gateway]),
    enrol: async () => {
      const seconds = await lease(ENROL, [gateway, held(host, false)]);
      if (seconds === undefined) throw new Error('The server answered without a row');
      await client.query(EMPTY, [gateway]);
      return seconds;
    },
    take: async (ids) => {
      if (ids.length > 0) await client.query(TAKE, [gateway, ids]);
    },
    put: async (sessions) => {
      for (let start = 0; start < sessions.length; start += ROWS) {
        const some = sessions.slice(start, start + ROWS);
        await client.query(PUT, [gateway, ...columnsOf(some, isUnicode)]);
      }
    },
    sweep: async () => {
      await client.query(SWEEP);
    },
  };
}

/** The last second of the year 9999: beyond it dates of PostgreSQL come to an end somewhere. */
const LAST_SECOND = 253_402_300_799;

function columnsOf(sessions: readonly PresentSession[], isUnicode: boolean): readonly unknown[] {
  const texts = (read: (session: PresentSession) => string | undefined) =>
    sessions.map((session) => {
      const text = read(session);
      return text === undefined ? undefined : held(text, isUnicode);
    });
  return [
    sessions.map(({ id }) => id),
    texts(({ sub }) => sub),
    texts(({ sid }) => sid),
    texts(({ protocol }) => protocol),
    texts(({ address }) => address),
    sessions.map(({ seconds }) => seconds),
    sessions.map(({ expiresAt }) =>
      expiresAt === undefined ? undefined : Math.min(expiresAt, LAST_SECOND),
    ),
  ];
}

/** A text that the server can hold: a name that it cannot would keep out all the others. */
function held(text: string, isUnicode: boolean): string {
  return isUnicode ? text.replaceAll('\0', '?') : text.replaceAll(/[^ -~]/g, '?');
}
