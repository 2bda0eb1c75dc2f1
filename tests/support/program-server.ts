import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';

import type { Scope } from './postgres.ts';

/** A server of an embedding program: open on a free port of 127.0.0.1 until the end of the scope. */
export interface ListeningServer {
  readonly server: Server;
  readonly port: number;
}

/** Opens one that answers plain requests with `onRequest`. */
export async function listeningServer(
  scope: Scope,
  onRequest: RequestListener,
): Promise<ListeningServer> {
  const server = createServer(onRequest);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.after(async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  });
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0 };
}
