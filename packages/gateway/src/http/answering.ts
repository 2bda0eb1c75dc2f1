import { ServerResponse } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Log } from '../observe/log.ts';

/** Which connections of a server have an answer under way. */
export class Answering {
  /** The last answer that was begun on a connection: those before it are finished earlier. */
  readonly #latest = new WeakMap<Socket, ServerResponse>();

  begin(request: IncomingMessage, response: ServerResponse): void {
    this.#latest.set(request.socket, response);
  }

  /**
   * Node hands over a handshake while the answer to the request ahead of it is still being written:
   * the rest of that would end up among the frames, and a refusal in its midst.
   */
  isUnderWay(socket: Socket): boolean {
    const latest = this.#latest.get(socket);
    return latest !== undefined && (!latest.writableFinished || latest.socket !== null);
  }
}

/**
 * Makes the response to an upgrade request that is answered as a plain one: Node makes none, and no
 * longer does for the socket what it does for those of others.
 */
export function takeOver(request: IncomingMessage, log: Log): ServerResponse {
  const { socket } = request;
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  socket.on('error', (error) => log('socket_error', { error }));
  socket.on('drain', () => response.emit('drain'));
  socket.once('timeout', () => socket.destroy());
  response.once('finish', () => socket.destroySoon());
  response.assignSocket(socket);
  return response;
}
