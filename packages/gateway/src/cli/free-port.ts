import { once } from 'node:events';
import { createServer } from 'node:net';

/** The port itself when nobody has it, else 0, which stands for any that is free. */
export function portOrAny(host: string, port: number): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(0));
    server.listen({ host, port }, () => server.close(() => resolve(port)));
  });
}

/** A port that nobody has, for whoever must know it before listening there. */
export async function anyFreePort(host: string): Promise<number> {
  const server = createServer();
  server.listen({ host, port: 0 });
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
