import type { Server } from 'node:http';

import pg from 'pg';

/**
 * Tells a server of each notification, and lets subscribers in. By the arguments of its program: URL of the
 * database, database channel.
 */
export async function relay(server: Server, notified: (payload: string) => void): Promise<void> {
  const [url = '', channel = ''] = process.argv.slice(2);
  const database = new pg.Client({ connectionString: url });
  database.on('notification', ({ payload = '' }) => notified(payload));
  await database.connect();
  await database.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
  letIn(server);
}

/** Has a server let subscribers in, as long as the bench is there, and print `listening PORT`. */
export function letIn(server: Server): void {
  // Whoever measured is gone.
  process.stdin.resume().on('end', () => process.exit());
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    console.log(`listening ${port ?? 0}`);
  });
}
