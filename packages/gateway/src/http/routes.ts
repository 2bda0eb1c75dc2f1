import type { IncomingMessage, ServerResponse } from 'node:http';
import { failures } from '@postern/client/protocol';
import type { Log } from '../observe/log.ts';
import { answerFailure } from './answer.ts';
import { malformed, wantsUpgrade } from './handshake.ts';
import type { Health } from './health.ts';
import type { HostCheck } from './host.ts';
import type { Preauth } from './preauth-route.ts';
import type { Streams } from './streams.ts';
import { answerAlive, answerReady } from './health.ts';
import type { ServeFile } from './static.ts';

/** Answers a request, or returns false to leave it to the next. */
export type HandleRequest = (request: IncomingMessage, response: ServerResponse) => boolean;

/** What plain requests are answered from. */
export interface RouteOptions {
  readonly health: () => Health;
  readonly hostAllowed: HostCheck;
  /** It has guards of its own, in an order of its own. */
  readonly preauth: Preauth;
  /** So have they. */
  readonly streams: Streams['answer'];
  /** The embedding program's own routes, asked before the others here. */
  readonly handleRequest: HandleRequest | undefined;
  /** Undefined: no files are served. */
  readonly serveFile: ServeFile | undefined;
  readonly log: Log;
}

/** Builds the answer to every request that is no upgrade; `path` is the one below the gateway's. */
export function createRoutes(options: RouteOptions) {
  const guarded = new Map([
    ['/preauth', options.preauth],
    ['/sse', options.streams],
  ]);
  const fixed: Readonly<Record<string, (response: ServerResponse) => void>> = {
    '/healthz': answerAlive,
    '/readyz': (response) => answerReady(response, options.health()),
  };

  const fail = (response: ServerResponse, error: unknown): void => {
    options.log('request_failed', { error });
    if (!response.headersSent) answerFailure(response, { failure: failures.internal });
    else response.destroy();
  };

  const route = (request: IncomingMessage, response: ServerResponse, path: string): void => {
    if (wantsUpgrade(request)) {
      // Node took it for a plain request, and would keep the connection for the next one.
      response.shouldKeepAlive = false;
      answerFailure(response, malformed(request) ?? { failure: failures.badHandshake });
      return;
    }
    const answer = guarded.get(path);
    if (answer !== undefined) {
      answer(request, response).catch((error: unknown) => fail(response, error));
      return;
    }
    const handler = Object.hasOwn(fixed, path) ? fixed[path] : undefined;
    // Probes come by address, and learn nothing that is worth a name.
    if (handler === undefined && !options.hostAllowed(request.headers.host)) {
      answerFailure(response, { failure: failures.hostDenied });
      return;
    }
    if (options.handleRequest?.(request, response) === true) return;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      const headers = { Allow: 'GET, HEAD' };
      answerFailure(response, { failure: failures.methodNotAllowed, headers });
      return;
    }
    if (handler !== undefined) handler(response);
    else if (options.serveFile !== undefined)
      options.serveFile(request, response, path, (error) => fail(response, error));
    else answerFailure(response, { failure: failures.notFound });
  };

  return (request: IncomingMessage, response: ServerResponse, path: string): void => {
    try {
      route(request, response, path);
    } catch (error) {
      fail(response, error);
    }
  };
}
