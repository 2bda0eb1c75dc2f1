/** What a client should do next: come back, come back with a new token, or stop. */
export type Retry = 'yes' | 'new-token' | 'no';

/** One way in which a handshake can be refused or a connection can be ended. */
export interface Failure {
  /** HTTP status, when the handshake is refused for it. */
  readonly http?: number;
  /** WebSocket close code, when an open connection is ended for it. */
  readonly close?: number;
  /** Public and constant, at most 123 bytes (RFC 6455 §5.5): never holds input, tokens or SQL. */
  readonly reason: string;
  /** Code in machine-readable error answers. */
  readonly code?: string;
  readonly retry: Retry;
  /** What happened and what a client or its operator does about it, for the reference page. */
  readonly advice: string;
}

/**
 * Every way a connection can fail. The gateway, the clients' retry logic and `docs/failures.md` read
 * this table. Codes of 1xxx keep their RFC 6455 meaning and never stand for authorisation.
 */
export const failures = {
  normal: {
    close: 1000,
    reason: '',
    retry: 'no',
    advice: 'The client closed the connection itself; its close frame is echoed.',
  },
  goingAway: {
    http: 503,
    close: 1001,
    reason: 'Going away',
    code: 'draining',
    retry: 'yes',
    advice: 'The gateway is shutting down. Reconnect after a random wait.',
  },
  protocolError: {
    close: 1002,
    reason: '',
    retry: 'no',
    advice:
      'A frame breaks RFC 6455: no mask, reserved bits, an unknown opcode, a malformed close. A bug in the client: stop.',
  },
  invalidText: {
    close: 1007,
    reason: 'Invalid UTF-8',
    retry: 'no',
    advice: 'A message was not valid UTF-8. A bug in the client: stop.',
  },
  tooManyFragments: {
    close: 1008,
    reason: '',
    retry: 'no',
    advice: 'A message came in more than 1,024 fragments. A bug in the client: stop.',
  },
  messageTooBig: {
    close: 1009,
    reason: 'Message too big',
    code: 'too_big',
    retry: 'no',
    advice:
      'A message exceeds POSTERN_MAX_MESSAGE_BYTES, or its envelope the 7,999 bytes that NOTIFY carries. Send less.',
  },
  internal: {
    http: 500,
    close: 1011,
    reason: 'Internal error',
    code: 'internal',
    retry: 'yes',
    advice: 'A bug in the gateway: its log has the details. Reconnect with backoff.',
  },
  restart: {
    close: 1012,
    reason: 'Service restart',
    code: 'unavailable',
    retry: 'yes',
    advice:
      'Messages may have been missed while the gateway was cut off from PostgreSQL (POSTERN_RAW_GAP=close). Reconnect and load the state anew.',
  },
  tokenExpired: {
    http: 401,
    close: 3001,
    reason: 'JWT expired',
    code: 'token_expired',
    retry: 'new-token',
    advice: 'The token is past its `exp`. Get a new one, then reconnect.',
  },
  forbidden: {
    http: 403,
    close: 3003,
    reason: 'Forbidden',
    code: 'forbidden',
    retry: 'no',
    advice:
      'The token is valid but grants nothing here: no channel, or not the one in the path; or the program that embeds the gateway says no.',
  },
  originDenied: {
    http: 403,
    reason: 'Origin not allowed',
    code: 'origin_denied',
    retry: 'no',
    advice: 'The page that opened the connection is not listed in POSTERN_ALLOWED_ORIGINS.',
  },
  notYetValid: {
    http: 401,
    reason: 'JWT not active',
    code: 'token_not_active',
    retry: 'yes',
    advice: 'The token’s `nbf` or `iat` lies in the future: a clock is wrong. Try again later.',
  },
  tooOld: {
    close: 4002,
    reason: 'Connection too old',
    retry: 'yes',
    advice: 'The connection reached POSTERN_MAX_CONNECTION_AGE. Reconnect after a random wait.',
  },
  slowConsumer: {
    close: 4008,
    reason: 'Slow consumer',
    retry: 'yes',
    advice:
      'The client read more slowly than messages came and POSTERN_QUEUE_BYTES were waiting. Reconnect with backoff and load the state anew.',
  },
  connectionLimit: {
    http: 429,
    reason: 'Connection limit',
    code: 'connection_limit',
    retry: 'no',
    advice:
      'The user, or the address, has as many connections open as POSTERN_CONNECTIONS_PER_USER or POSTERN_CONNECTIONS_PER_ADDRESS allow. Close one first.',
  },
  overload: {
    http: 503,
    reason: 'Try again later',
    code: 'unavailable',
    retry: 'yes',
    advice:
      'As many connections are open as POSTERN_CONNECTIONS allows. Reconnect after a random wait.',
  },
  hostDenied: {
    http: 421,
    reason: 'Host not allowed',
    code: 'host_denied',
    retry: 'no',
    advice:
      'The Host header names none of POSTERN_ALLOWED_HOSTS; unset, and with POSTERN_HOST on loopback, no name of this computer.',
  },
  rateLimited: {
    http: 429,
    close: 4029,
    reason: 'Rate limited',
    code: 'rate_limited',
    retry: 'yes',
    advice:
      'The client sent more than POSTERN_MESSAGES_PER_SECOND and POSTERN_MESSAGE_BURST allow: the one that was too much was not published. Or its address knocked more often than POSTERN_HANDSHAKES_PER_ADDRESS allows. Reconnect with backoff.',
  },
  backendUnavailable: {
    http: 503,
    close: 4012,
    reason: 'Backend unavailable',
    code: 'unavailable',
    retry: 'yes',
    advice:
      'PostgreSQL is away, or the key that the token names cannot be looked up: handshakes are refused. A message whose outcome is unknown ends its sender. Reconnect with backoff; what you sent last may or may not have arrived.',
  },
  tokenInvalid: {
    http: 401,
    reason: 'Token invalid',
    code: 'token_invalid',
    retry: 'no',
    advice: 'The token does not verify, or a claim that must be there is missing or malformed.',
  },
  badHandshake: {
    http: 400,
    reason: 'Bad handshake',
    code: 'bad_handshake',
    retry: 'no',
    advice: 'The upgrade request is not a WebSocket handshake as RFC 6455 §4.1 has it.',
  },
  notFound: {
    http: 404,
    reason: 'Not found',
    code: 'not_found',
    retry: 'no',
    advice:
      'Nothing answers upgrades at this path, or tokens in the path are off (POSTERN_URL_TOKENS).',
  },
  methodNotAllowed: {
    http: 405,
    reason: 'Method not allowed',
    code: 'method_not_allowed',
    retry: 'no',
    advice: 'Only GET (and HEAD, for files and health) is answered.',
  },
  upgradeRequired: {
    http: 426,
    reason: 'Upgrade required',
    code: 'bad_handshake',
    retry: 'no',
    advice: 'The handshake names another WebSocket version than 13.',
  },
} as const satisfies Record<string, Failure>;

/** The name of a row of {@link failures}. */
export type FailureName = keyof typeof failures;

/** The name of a row that a handshake can be refused for. */
export type RefusalName = {
  [Name in FailureName]: (typeof failures)[Name] extends { readonly http: number } ? Name : never;
}[FailureName];

const byCloseCode = new Map(
  Object.values<Failure>(failures).map((failure) => [failure.close, failure]),
);

/**
 * Advice for any close code. For one that is not in the table its range decides: 3000-3499 and
 * 4000-4499 may reconnect, 3500-3999 and 4500-4999 must not.
 */
export function retryAfter(closeCode: number): Retry {
  const known = byCloseCode.get(closeCode);
  if (known !== undefined) return known.retry;
  return closeCode >= 3000 && closeCode % 1000 >= 500 ? 'no' : 'yes';
}
