import { randomUUID } from 'node:crypto';

import { startGateway } from './gateway.ts';
import { freshDatabase } from './postgres.ts';
import type { Scope } from './postgres.ts';
import { PREAUTH_ENVIRONMENT } from './preauth.ts';
import type { WsClient } from './ws-client.ts';

/** Two gateways on one database. */
export async function twoGateways(scope: Scope) {
  const database = await freshDatabase(scope);
  const environment = { ...PREAUTH_ENVIRONMENT, POSTERN_DATABASE_CHANNEL: database.channel };
  const start = () => startGateway(scope, { databaseUrl: database.url, environment });
  return { one: await start(), other: await start(), query: database.query };
}

/** How a connection ends that somebody has ended by SQL, which has to be within a second. */
export const endOf = (client: WsClient) => client.closed(1_000);

/** Waits until a client has heard itself. What others have said meanwhile proves nothing. */
export const isOpen = async (client: WsClient): Promise<void> => {
  const text = randomUUID();
  client.send(text);
  while (!(await client.message()).includes(text));
};
