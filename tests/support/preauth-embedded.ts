import { createGateway } from 'postern';
import type { GatewayOptions } from 'postern';

import { heard } from './evidence.ts';
import type { Scope } from './postgres.ts';
import { freshDatabase } from './postgres.ts';
import { APP } from './preauth.ts';
import { listeningServer } from './program-server.ts';
import { SECRET } from './tokens.ts';

/** Starts a gateway on a server of a program, which may read bodies before it. */
export async function startEmbedded(
  scope: Scope,
  { readsBodies = false, ...options }: GatewayOptions & { readonly readsBodies?: boolean },
) {
  const { url, channel } = await freshDatabase(scope);
  const events: string[] = [];
  const gateway = createGateway({
    databaseUrl: url,
    databaseChannel: channel,
    jwtSecret: SECRET,
    trustedProxies: ['127.0.0.1'],
    allowedOrigins: [APP],
    drainSeconds: 0,
    log: heard((event) => void events.push(event)),
    ...options,
  });
  scope.after(() => gateway.stop());
  await gateway.start();
  const { port } = await listeningServer(scope, (request, response) => {
    const handle = (): void => {
      if (!gateway.handler(request, response)) response.end('from the program');
    };
    if (readsBodies) request.resume().once('end', handle);
    else handle();
  });
  return { port, events };
}
