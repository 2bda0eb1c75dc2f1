/**
 * The part of a browser's WebSocket that the client needs. That of a browser fits, that of Node from 22 on, of Deno,
 * of Bun and of the package `ws`, and the stream of events that stands in for one.
 */
export interface SocketLike {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

/** Opens a socket. */
export type SocketConstructor = new (url: string, protocols: string[]) => SocketLike;

/** What the client reads of a message. */
export interface SocketMessage {
  readonly data: unknown;
}

/** What the client reads of an end. */
export interface SocketClose {
  readonly code: number;
  readonly reason: string;
}
