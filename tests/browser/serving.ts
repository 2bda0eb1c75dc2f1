import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

import type { Scope } from '../support/postgres.ts';

/** Listens on a free port of this computer, which it returns, until the end of the scope. */
export async function serve(scope: Scope, server: Server): Promise<number> {
  // Of those that were upgraded, the server itself knows nothing.
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.after(async () => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
