import type { ClientBase } from 'pg';
import { AHEAD_SECONDS, BEHIND_SECONDS, slotOf, SLOTS, slotsToEmpty } from './spent-slots.ts';

/** `unmarked`: the marker is gone, and what was used with it. `clock`: the token's `exp` is far off. */
export type SpendOutcome = 'first' | 'replayed' | 'unmarked' | 'clock';

/**
 * One round trip. Looks for the marker, takes the row if there is none yet, and says which it was. It
 * runs with whatever `search_path` there is, so its operators are named with their schema, too.
 */
const SPEND = `
  WITH marker AS (
    SELECT token.valid_from FROM postern.spent_token token
    WHERE token.slot OPERATOR(pg_catalog.=) -1 AND token.jti OPERATOR(pg_catalog.=) ''
  ), clock AS (
    SELECT $3::float8 OPERATOR(pg_catalog.>) (reading.now OPERATOR(pg_catalog.-) ${BEHIND_SECONDS}::float8)
      AND $3::float8 OPERATOR(pg_catalog.<=) (reading.now OPERATOR(pg_catalog.+) ${AHEAD_SECONDS}::float8)
      AS near
    FROM (SELECT pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) AS now) reading
  ), spent AS (
    INSERT INTO postern.spent_token (slot, jti)
    SELECT $1::smallint, $2::text FROM marker, clock
    WHERE clock.near AND $4::float8 OPERATOR(pg_catalog.>=) marker.valid_from::float8
    ON CONFLICT DO NOTHING
    RETURNING 1
  )
  SELECT CASE
    WHEN NOT EXISTS (SELECT FROM marker) THEN 'unmarked'
    WHEN NOT (SELECT clock.near FROM clock) THEN 'clock'
    WHEN EXISTS (SELECT FROM spent) THEN 'first'
    ELSE 'replayed'
  END AS outcome`;

/** Uses a token up, on a connection that is in no transaction. */
export async function spendIn(
  client: ClientBase,
  { jti, issuedAt, expiresAt }: { jti: string; issuedAt: number; expiresAt: number },
): Promise<SpendOutcome> {
  const { rows } = await client.query<{ readonly outcome: SpendOutcome }>({
    name: 'postern_spend',
    text: SPEND,
    values: [slotOf(expiresAt), jti, expiresAt, issuedAt],
  });
  return rows[0]?.outcome ?? 'replayed';
}

/**
 * Lays the marker where there is none. Returns from when on tokens count, if it was this one that laid
 * it: beyond all that could have been used before, by clocks that differ by no more than the leeway.
 */
export async function layMarker(
  client: ClientBase,
  now: number,
  leewaySeconds: number,
): Promise<number | undefined> {
  const { rows } = await client.query<{ readonly validFrom: number }>(
    `INSERT INTO postern.spent_token (slot, jti, valid_from)
    SELECT -1, '', pg_catalog.ceil(GREATEST(
      $1::float8, pg_catalog.date_part('epoch', pg_catalog.clock_timestamp())
    ) OPERATOR(pg_catalog.+) $2::float8)::bigint
    ON CONFLICT DO NOTHING
    RETURNING valid_from::float8 AS "validFrom"`,
    [now, leewaySeconds],
  );
  return rows[0]?.validFrom;
}

/** Of the advisory lock for emptying: the first eight bytes of SHA-256 of `postern.spent_token`. */
const LOCK = '164835294159592533';

/** Empties the partitions whose time is over. Another gateway that is at it does it for all. */
export async function emptySlots(client: ClientBase): Promise<void> {
  for (const slot of slotsToEmpty(await clockOf(client))) {
    if (await holdsRows(client, slot)) await emptySlot(client, slot);
  }
}

/**
 * The clock is read when the partition is locked, and counts then: rows that came in meanwhile are of
 * that time, and others wait for the end. No wait for the lock holds up who would want it after us.
 */
async function emptySlot(client: ClientBase, slot: number): Promise<void> {
  if (!Number.isInteger(slot) || slot < 0 || slot >= SLOTS) throw new RangeError('No such slot');
  const table = `postern.spent_token_${slot}`;
  await client.query(`
    BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED;
    SET LOCAL lock_timeout TO '100ms';
    SET LOCAL idle_in_transaction_session_timeout TO '2s'`);
  try {
    const { rows } = await client.query<{ readonly locked: boolean }>(
      'SELECT pg_catalog.pg_try_advisory_xact_lock($1::bigint) AS locked',
      [LOCK],
    );
    if (rows[0]?.locked === true) {
      await client.query(`LOCK TABLE ONLY ${table} IN ACCESS EXCLUSIVE MODE`);
      if (slotsToEmpty(await clockOf(client)).includes(slot))
        await client.query(`TRUNCATE TABLE ONLY ${table}`);
    }
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

async function holdsRows(client: ClientBase, slot: number): Promise<boolean> {
  const { rows } = await client.query(
    `SELECT FROM postern.spent_token token
    WHERE token.slot OPERATOR(pg_catalog.=) $1::smallint LIMIT 1`,
    [slot],
  );
  return rows.length > 0;
}

async function clockOf(client: ClientBase): Promise<number> {
  const { rows } = await client.query<{ readonly now: number }>(
    `SELECT pg_catalog.date_part('epoch', pg_catalog.clock_timestamp())::float8 AS now`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error('The server answered without a row');
  return row.now;
}
