import type { ClientBase } from 'pg';
import type { Passage } from './fence.ts';
import { PRIVATE_CHANNEL } from './listen-connection.ts';
import { needsTables } from './outgoing.ts';
import type { Outgoing } from './outgoing.ts';
import { textArray } from './text-array.ts';

/** What a batch is sent with. */
export interface Sending {
  /** The database channel. */
  readonly channel: string;
  /** Key of the advisory lock of {@link Fence}, and until when the batch may begin. */
  readonly lock: string;
  readonly lease: number;
}

/** What the server says of a batch. */
export interface BatchAnswer {
  readonly passage: Passage;
  /** What its clock shows: UNIX seconds. */
  readonly seconds: number;
  /** Whether the text at this place of the batch was notified. */
  readonly isNotified: (place: number) => boolean;
}

const NOW = "pg_catalog.date_part('epoch', pg_catalog.clock_timestamp())";

/** See {@link Fence}. It waits for nothing: whoever waits in the server goes on there when nobody waits here. */
const FENCE = `fence AS MATERIALIZED (
    SELECT CASE
      WHEN NOT pg_catalog.pg_try_advisory_xact_lock($2::bigint) THEN 'held'
      WHEN ${NOW} OPERATOR(pg_catalog.>) $3::float8 THEN 'late'
      ELSE 'open'
    END AS passage
  )`;

/**
 * `count` makes one row of the answer instead of one a text. The texts are notified in their order,
 * each of them, since no two envelopes are equal: PostgreSQL would fold those into one.
 */
const NOTIFY = `
  WITH ${FENCE}
  SELECT fence.passage, ${NOW} AS seconds, (
    SELECT count(pg_notify($1, text)) FROM unnest($4::text[]) AS text
    WHERE fence.passage OPERATOR(pg_catalog.=) 'open'
  ) AS notified
  FROM fence`;

/**
 * As above, and of texts with a key only those go whose key nobody has used, here or in this very batch.
 * The keys are written in the transaction that notifies, so that both are committed or neither is; and in
 * the order of keys, so that two gateways which are given the same do not wait for each other. In the same
 * transaction the long ones are laid down, and notified is what refers to them. Runs with whatever
 * `search_path` there is.
 */
const NOTIFY_BY_TABLES = `
  WITH ${FENCE}, given AS MATERIALIZED (
    SELECT given.*,
      pg_catalog.row_number() OVER (PARTITION BY given.key ORDER BY given.place) AS nth
    FROM fence, unnest($4::text[], $5::bytea[], $6::uuid[], $7::text[])
      WITH ORDINALITY AS given (notification, key, id, long, place)
    WHERE fence.passage OPERATOR(pg_catalog.=) 'open'
  ), fresh AS (
    INSERT INTO postern.publication_key (key)
    SELECT given.key FROM given
    WHERE given.key IS NOT NULL AND given.nth OPERATOR(pg_catalog.=) 1
    ORDER BY given.key
    ON CONFLICT DO NOTHING
    RETURNING key
  ), going AS MATERIALIZED (
    SELECT given.* FROM given LEFT JOIN fresh ON fresh.key OPERATOR(pg_catalog.=) given.key
    WHERE given.key IS NULL
      OR (fresh.key IS NOT NULL AND given.nth OPERATOR(pg_catalog.=) 1)
    ORDER BY given.place
  ), laid AS (
    INSERT INTO postern.payload (id, database_channel, text)
    SELECT going.id, $1, going.long FROM going WHERE going.id IS NOT NULL
  ), notified AS (
    SELECT pg_catalog.array_agg(going.place::int) AS places, count(pg_notify(
      CASE WHEN going.id IS NULL THEN $1 ELSE '${PRIVATE_CHANNEL}' END, going.notification))
    FROM going
  )
  SELECT fence.passage, ${NOW} AS seconds, notified.places FROM fence, notified`;

/** Notifies a batch in one transaction, on a connection that is in none. */
export async function notifyBatch(
  client: ClientBase,
  batch: readonly Outgoing[],
  { channel, lock, lease }: Sending,
): Promise<BatchAnswer> {
  if (!batch.some(needsTables)) {
    const values = [channel, lock, lease, textArray(batch)];
    const query = { name: 'postern_notify', text: NOTIFY, values };
    const { passage, seconds } = only((await client.query<Answer>(query)).rows);
    return { passage, seconds, isNotified: () => true };
  }
  const values = [
    channel,
    lock,
    lease,
    batch.map(({ text, long }) => long?.reference ?? text),
    batch.map(({ key }) => key),
    batch.map(({ long }) => long?.id),
    batch.map(({ text, long }) => (long === undefined ? undefined : text)),
  ];
  const query = { name: 'postern_notify_by_tables', text: NOTIFY_BY_TABLES, values };
  const { passage, seconds, places } = only((await client.query<AnswerByTables>(query)).rows);
  const notified = new Set(places);
  return { passage, seconds, isNotified: (place) => notified.has(place + 1) };
}

/** What the server's clock shows: UNIX seconds. */
export async function readClock(client: ClientBase): Promise<number> {
  return only((await client.query<{ readonly seconds: number }>(`SELECT ${NOW} AS seconds`)).rows)
    .seconds;
}

interface Answer {
  readonly passage: Passage;
  readonly seconds: number;
}

interface AnswerByTables extends Answer {
  /** From 1; none: null. */
  readonly places: readonly number[] | null;
}

function only<Row>([row]: readonly Row[]): Row {
  if (row === undefined) throw new Error('The server answered without a row');
  return row;
}
