import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Whence } from '../auth/origins.ts';
import type { Log } from '../observe/log.ts';
import type { Meters } from '../observe/meters.ts';
import type { Admit, SseVisitor } from '../session/admission.ts';
import { ABNORMAL } from '../session/session.ts';
import type { ClientAddress } from './client-ip.ts';
import { corsHeaders, preflightHeaders } from './cors.ts';
import type { SseGate } from './examine-sse.ts';
import { examineSse, shownIn } from './examine-sse.ts';
import { shut } from './examine.ts';
import { hasBody } from './handshake.ts';
import type { Headers } from './problem.ts';
import { answerProblem, preauthHeaders } from './problem.ts';
import { createRefusalLog } from './refusal-log.ts';
import type { Refusal } from './refuse.ts';
import { SseSocket } from './sse-socket.ts';

/** What streams ask of the other parts. */
export interface StreamGate extends SseGate {
  readonly clientAddress: ClientAddress;
  readonly admit: Admit;
  readonly log: Log;
  readonly meters: Meters;
}

/** Where clients come in that read only, and speak no WebSocket. */
export interface Streams {
  /** Answers a request for a stream. Rejects for bugs only. */
  readonly answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  /** Resolves when all streams are closed. Those that take too long about it are cut off. */
  readonly emptied: () => Promise<void>;
}

/**
 * Nobody keeps a stream, holds it back until more has come, or makes it another: `no-transform` is what
 * frameworks go by that compress answers.
 */
const STREAM_HEADERS: Headers = {
  ...preauthHeaders,
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
  Connection: 'close',
};

/** Builds the route `GET /sse`. */
export function createStreams(gate: StreamGate): Streams {
  const sayRefused = createRefusalLog('handshake', gate);
  const open = new Set<ServerResponse>();

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (isBehindAnother(response)) {
      request.socket.destroy();
      return;
    }
    // Asked for while the connection stands: afterwards it has no address.
    const address = gate.clientAddress(request);
    const shown = shownIn(request, gate);
    const cors = typeof shown.whence === 'string' ? {} : corsHeaders(shown.whence);

    const outcome = await examineSse({ request, response, address }, shown, gate);
    if (response.destroyed) return;
    if ('preflight' in outcome) return answerPreflight(response, outcome.preflight);
    // The gate may have closed meanwhile; between this look and the session nothing happens.
    const refusal = 'failure' in outcome ? outcome : shut(gate);
    if (refusal !== undefined) {
      sayRefused(refusal, address);
      return refuse(request, response, { ...refusal, headers: { ...cors, ...refusal.headers } });
    }
    if ('failure' in outcome) return;
    open.add(response);
    response.once('close', () => open.delete(response));
    start(response, { visitor: outcome, cors }, gate);
  };

  return {
    answer,
    emptied: async () => {
      await Promise.all([...open].map((response) => once(response, 'close')));
    },
  };
}

/** Node answers in order: an answer that never ends would have to come first. */
function isBehindAnother(response: ServerResponse): boolean {
  return response.socket === null && !response.destroyed;
}

function answerPreflight(response: ServerResponse, whence: Whence): void {
  response.writeHead(204, { ...preauthHeaders, ...preflightHeaders(whence, 'stream') });
  response.end();
}

function refuse(request: IncomingMessage, response: ServerResponse, refusal: Refusal): void {
  // What is left of a body would have to be read before the next request.
  if (hasBody(request) && !request.complete) response.shouldKeepAlive = false;
  answerProblem(response, refusal, {});
}

/** Turns an answer into a session. Nothing of the head goes out before the first event does. */
function start(
  response: ServerResponse,
  { visitor, cors }: { readonly visitor: SseVisitor; readonly cors: Headers },
  { admit, log }: StreamGate,
): void {
  response.shouldKeepAlive = false;
  // All that comes until the end is the body: an event is the same bytes for everybody.
  response.removeHeader('Transfer-Encoding');
  response.writeHead(200, { ...STREAM_HEADERS, ...cors });
  response.on('error', (error) => log('socket_error', { error }));
  const session = admit(new SseSocket(response), visitor);
  response.once('close', () => session.lose(ABNORMAL));
}
