import type { Query } from '../../tests/support/postgres.ts';

/** Notifies a database channel of all texts by one statement, so that they arrive together. */
export async function notify(
  query: Query,
  channel: string,
  texts: readonly string[],
): Promise<void> {
  await query('SELECT pg_notify($1, text) FROM unnest($2::text[]) AS text', [channel, texts]);
}
