/** What a client should do next: come back, come back with a new token, or stop. */
export type Retry = 'yes' | 'new-token' | 'no';

/** What both sides of the wire need of a {@link Failure}. */
export interface FailureRow {
  /** HTTP status, when the handshake is refused for it. */
  readonly http?: number;
  /** WebSocket close code, when an open connection is ended for it. */
  readonly close?: number;
  /** Public and constant, at most 123 bytes (RFC 6455 §5.5): never holds input, tokens or SQL. */
  readonly reason: string;
  /** Code in machine-readable error answers. */
  readonly code?: string;
  /** Codes that stand in its place where it is known more exactly what failed. */
  readonly finerCodes?: readonly string[];
  readonly retry: Retry;
}

/** One way in which a handshake can be refused or a connection can be ended. */
export interface Failure extends FailureRow {
  /** What happened and what a client or its operator does about it, for people. */
  readonly advice: string;
}
