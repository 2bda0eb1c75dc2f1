import { once } from 'node:events';

import { createGateway } from 'postern';

import type { Embed } from '../frameworks/embeddings.ts';
import { heard } from '../support/evidence.ts';
import { optionsFor } from '../support/gateway.ts';
import type { TestGatewayOptions } from '../support/gateway.ts';
import type { Scope } from '../support/postgres.ts';
import type { Event } from './compatibility-start.ts';

/** Where an embedded gateway lies when its program does not say. */
export const BASE_PATH = '/postern';

/** A program with a gateway in it. */
export interface Embedded {
  readonly port: number;
  /** Everything logged so far. */
  readonly events: () => readonly Event[];
}

/** Runs, in this process, a server with a gateway in it, until the end of the scope. */
export async function startEmbedded(
  scope: Scope,
  embed: Embed,
  options: Required<Pick<TestGatewayOptions, 'databaseUrl' | 'environment'>>,
): Promise<Embedded> {
  const events: Event[] = [];
  const gateway = createGateway({
    ...optionsFor(options),
    log: heard((event, fields) => void events.push({ event, ...fields })),
  });
  const server = await embed(gateway);
  gateway.attach(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.after(async () => {
    await gateway.stop();
    server.close();
    server.closeAllConnections();
  });
  await gateway.start();

  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { port, events: () => events };
}
