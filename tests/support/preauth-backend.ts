import type { IncomingHttpHeaders, RequestListener, ServerResponse } from 'node:http';

import type { Scope } from './postgres.ts';
import { startPreauth } from './preauth.ts';
import { listeningServer } from './program-server.ts';

/** Starts a gateway with a backend that says who users are. */
export async function startWithBackend(scope: Scope, onRequest: RequestListener) {
  const asked: { readonly method: string | undefined; readonly headers: IncomingHttpHeaders }[] =
    [];
  const backend = await listeningServer(scope, (request, response) => {
    asked.push({ method: request.method, headers: request.headers });
    onRequest(request, response);
  });
  const authUrl = `http://127.0.0.1:${backend.port}/who`;
  const gateway = await startPreauth(scope, { POSTERN_AUTH_URL: authUrl });
  return { ...gateway, asked };
}

/** Answers with JSON. */
export const sayJson = (response: ServerResponse, value: unknown): void =>
  void response.end(JSON.stringify(value));
