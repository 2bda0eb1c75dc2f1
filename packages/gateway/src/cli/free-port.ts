import { createServer } from 'node:net';

/** The port itself when nobody has it, else 0, which stands for any that is free. */
export function portOrAny(host: string, port: number): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(0));
    server.listen({ host, port }, () => server.close(() => resolve(port)));
  });
}
