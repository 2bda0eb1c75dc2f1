import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Log } from '../observe/log.ts';
import { attachTo } from './attach.ts';
import type { ProgramServer } from './attach.ts';
import type { BasePath } from './base-path.ts';
import type { Door } from './upgrade.ts';

/** What lies behind the entrances. */
interface Inside {
  readonly basePath: BasePath;
  readonly door: Door;
  readonly routes: (request: IncomingMessage, response: ServerResponse, path: string) => void;
  readonly log: Log;
}

/** The ways from a program's servers into a gateway, each for what lies below its base path only. */
export function createEntrances({ basePath, door, routes, log }: Inside) {
  const attached = new Set<() => void>();
  const below = ({ url = '' }: IncomingMessage): string | undefined => basePath.below(url);

  const handler = (
    request: IncomingMessage,
    response: ServerResponse,
    next?: () => void,
  ): boolean => {
    const path = below(request);
    if (path === undefined) next?.();
    else routes(request, response, path);
    return path !== undefined;
  };

  const handleUpgrade = (request: IncomingMessage, stream: Duplex, head: Buffer): boolean => {
    const path = below(request);
    if (path !== undefined) door.enter({ request, stream, head, path });
    return path !== undefined;
  };

  const owns = (request: IncomingMessage): boolean => below(request) !== undefined;
  const attach = (server: ProgramServer): (() => void) => {
    const undo = attachTo(server, { owns, take: handleUpgrade }, log);
    const detach = (): void => {
      if (attached.delete(detach)) undo();
    };
    attached.add(detach);
    return detach;
  };

  return {
    handler,
    handleUpgrade,
    attach,
    /** Lets go of every server. */
    detach: () => {
      for (const detach of attached) detach();
    },
  };
}
