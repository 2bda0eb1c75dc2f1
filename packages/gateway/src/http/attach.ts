import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { failures } from '@postern/client/protocol';
import type { Log } from '../observe/log.ts';
import { Answering, takeOver } from './answering.ts';
import { hasBody } from './handshake.ts';
import type { Refusal } from './refuse.ts';
import { refuse } from './refuse.ts';

/** A server of the embedding program's. */
export type ProgramServer = HttpServer | HttpsServer;

/** What a server hands upgrade requests to. */
export interface Taker {
  /** Whether the request is its own. */
  readonly owns: (request: IncomingMessage) => boolean;
  /** Takes one that is. */
  readonly take: (request: IncomingMessage, stream: Duplex, head: Buffer) => unknown;
}

/** As many headers as Node keeps of a request when a server does not say; it drops the others. */
const USUAL_MOST_HEADERS = 2000;

const TOO_MANY_HEADERS: Refusal = {
  failure: failures.badHandshake,
  text: `${failures.badHandshake.reason}: Too many headers`,
};

type Listener = (request: IncomingMessage, stream: Duplex, head: Buffer) => void;

/** The listeners that the gateways of this process have put on servers, and what each owns. */
const ours = new WeakMap<object, Taker['owns']>();

/**
 * Lets a gateway take its own upgrade requests from a server that it shares, and returns what undoes
 * that. Those of others are left to their listeners, untouched.
 */
export function attachTo(server: ProgramServer, { owns, take }: Taker, log: Log): () => void {
  const answering = new Answering();
  const onRequest = answering.begin.bind(answering);

  const onUpgrade: Listener = (request, stream, head) => {
    const isOwn = owns(request);
    if (!isOwn && !isLeftTo(onUpgrade, server, request)) return;
    if (answering.isUnderWay(request.socket)) stream.destroy();
    else if (!isOwn) answerPlainly(server, request, log);
    else if (hasAllHeaders(server, request)) take(request, stream, head);
    else turnAway(request, TOO_MANY_HEADERS, log);
  };

  ours.set(onUpgrade, owns);
  server.prependListener('request', onRequest);
  server.on('upgrade', onUpgrade);
  return () => {
    server.off('request', onRequest);
    server.off('upgrade', onUpgrade);
  };
}

/**
 * Whether the request is nobody's: all that listen are gateways, and none owns it. Its socket would
 * stay open for ever, so the last of them sees to it.
 */
function isLeftTo(last: Listener, server: ProgramServer, request: IncomingMessage): boolean {
  const listeners = server.listeners('upgrade');
  return (
    listeners.at(-1) === last &&
    listeners.every((listener) => ours.get(listener)?.(request) === false)
  );
}

/** Has the server answer as it would without a gateway: then Node makes no upgrade of the request. */
function answerPlainly(server: ProgramServer, request: IncomingMessage, log: Log): void {
  // Node has left a body unread: what follows it on the connection could not be told from it.
  if (hasBody(request)) turnAway(request, { failure: failures.badHandshake }, log);
  else server.emit('request', request, takeOver(request, log));
}

function turnAway({ socket }: IncomingMessage, refusal: Refusal, log: Log): void {
  socket.on('error', (error) => log('socket_error', { error }));
  refuse(socket, refusal);
}

/** Whether Node has dropped no header: a repeated one could be among those. */
function hasAllHeaders(server: ProgramServer, { rawHeaders }: IncomingMessage): boolean {
  // Null, whatever the types say, unless the program has set it; 0: it keeps them all.
  const most = server.maxHeadersCount ?? USUAL_MOST_HEADERS;
  return most === 0 || rawHeaders.length / 2 < most;
}
