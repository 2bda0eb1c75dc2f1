import { once } from 'node:events';
import { createServer } from 'node:http';

import { keepTokensIn } from './evidence.ts';
import type { Scope } from './postgres.ts';

/** A site that its users' programs ask for a token, or for an address with one in it. */
export interface Site {
  readonly url: string;
  /** How often it was asked. */
  readonly asked: number;
}

/** Starts a site that gives a text of its own to each who asks, counted from 1; pages of all origins may read it. */
export async function startSite(
  scope: Scope,
  give: (asked: number) => Promise<string>,
): Promise<Site> {
  let asked = 0;
  const server = createServer((_, response) => {
    asked += 1;
    give(asked).then(
      (text) => {
        keepTokensIn(text);
        response.setHeader('Access-Control-Allow-Origin', '*');
        response.end(text);
      },
      (error: unknown) => response.destroy(error instanceof Error ? error : undefined),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.after(async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/`,
    get asked() {
      return asked;
    },
  };
}
