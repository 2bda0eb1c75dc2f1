import type { IncomingMessage, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';

import { createStaticFiles } from '../http/static.ts';

const PREFIX = '/dev/client/';

/** Modules as the package has them, with those that they import. */
const FOLDER = fileURLToPath(new URL('.', import.meta.resolve('@postern/client')));

/**
 * Serves the client to the page of `postern dev`, below `/dev/client/`. The function returned says whether the
 * request's path was one of its own; if not, it has not touched the request.
 */
export function createClientFiles(
  onError: (error: unknown) => void,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const serve = createStaticFiles(FOLDER);
  return (request, response) => {
    const path = request.url?.split('?', 1)[0] ?? '';
    if (!path.startsWith(PREFIX)) return false;
    serve(request, response, path.slice(PREFIX.length - 1), (error) => {
      onError(error);
      response.destroy();
    });
    return true;
  };
}
