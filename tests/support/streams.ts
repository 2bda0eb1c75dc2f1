import type { TestGateway } from './gateway.ts';
import { SITE_CLAIMS } from './preauth.ts';
import type { StreamClient } from './stream-client.ts';
import { signToken } from './tokens.ts';

/** A token of the site's own, which grants `chat` and `room:*`. */
export const BEARER = await signToken(SITE_CLAIMS);

/** Publishes by SQL, as anybody may. */
export async function publish(
  { query, channel: database }: TestGateway,
  channel: string,
  payload: unknown,
): Promise<void> {
  await query('SELECT pg_notify($1, $2)', [database, JSON.stringify({ channel, payload })]);
}

/** Publishes numbers from `first` to `last`, each to the next of the channels in turn, with so much beside it. */
export async function publishMany(
  { query, channel: database }: TestGateway,
  channels: readonly string[],
  {
    first = 1,
    last,
    padding = 0,
  }: { readonly first?: number; readonly last: number; readonly padding?: number },
): Promise<void> {
  await query(
    `SELECT count(pg_notify($1, json_build_object(
       'channel', ($2::text[])[1 + n % cardinality($2::text[])],
       'payload', json_build_object('n', n, 'x', repeat('x', $5::int)))::text))
     FROM generate_series($3::int, $4::int) n`,
    [database, channels, first, last, padding],
  );
}

/** The payloads of the next so many messages. Other events in between are not expected. */
export async function payloads(stream: StreamClient, count: number): Promise<readonly unknown[]> {
  const all: unknown[] = [];
  while (all.length < count) all.push((await stream.said('message'))['payload']);
  return all;
}
