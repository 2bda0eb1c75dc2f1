import pg from 'pg';

import type { Scope } from './postgres.ts';
import { until } from './wait.ts';

/** Somebody else who listens to the database channel: what they hear is what was notified. */
export interface Listener {
  /** Every notification so far, in the order in which they came. */
  readonly texts: readonly string[];
  /** Waits until so many have come, and returns them all. */
  heard(count: number, deadlineMs?: number): Promise<readonly string[]>;
}

/** Listens to a database channel until the end of the scope. */
export async function listen(
  scope: Scope,
  { url, channel }: { readonly url: string; readonly channel: string },
): Promise<Listener> {
  const client = new pg.Client({ connectionString: url });
  const texts: string[] = [];
  client.on('notification', ({ payload = '' }) => texts.push(payload));
  client.on('error', () => {
    // The database is dropped, or its server killed: nothing more is heard.
  });
  await client.connect();
  scope.after(() => client.end());
  await client.query(`LISTEN ${pg.escapeIdentifier(channel)}`);

  return {
    texts,
    heard: (count, deadlineMs) =>
      until(`${count} notifications`, () => texts.length >= count && texts, deadlineMs),
  };
}
