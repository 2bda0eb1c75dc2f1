import type { Failure } from './failure.ts';

/**
 * The rows of the failure table that have a close code: they end an open connection, and most of them
 * refuse a handshake as well. Codes of 1xxx keep their RFC 6455 meaning and never stand for authorisation.
 */
export const closingFailures = {
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
  binaryUnsupported: {
    close: 1003,
    reason: 'Binary unsupported',
    retry: 'no',
    advice: 'A binary message on postern.v1, whose messages are text. A bug in the client: stop.',
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
      'A message exceeds POSTERN_MAX_MESSAGE_BYTES, or its envelope 1 MiB; or 7,999 bytes, where the table for longer ones cannot be used. Send less.',
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
  unauthorized: {
    http: 401,
    close: 3000,
    reason: 'Unauthorized',
    code: 'credential_missing',
    finerCodes: [
      'cookie_missing',
      'csrf_invalid',
      'cookie_invalid',
      'embed_invalid',
      'refresh_invalid',
    ],
    retry: 'new-token',
    advice:
      'Nothing valid was shown: no credential, or one that is not from this gateway, or the first message was no `auth`. Get one new token, try once more, then stop.',
  },
  tokenExpired: {
    http: 401,
    close: 3001,
    reason: 'JWT expired',
    code: 'token_expired',
    finerCodes: [
      'csrf_expired',
      'cookie_expired',
      'embed_expired',
      'refresh_expired',
      'auth_expired',
    ],
    retry: 'new-token',
    advice:
      'The token is past its `exp`; or the login behind it has ended. Get a new one, then reconnect.',
  },
  forbidden: {
    http: 403,
    close: 3003,
    reason: 'Forbidden',
    code: 'forbidden',
    finerCodes: ['scope_denied', 'origin_mismatch'],
    retry: 'no',
    advice:
      'The token is valid but grants nothing here: no channel, or not the one in the path; or the program that embeds the gateway says no.',
  },
  timeout: {
    http: 408,
    close: 3008,
    reason: 'Timeout',
    code: 'timeout',
    retry: 'yes',
    advice:
      'No `auth` came within 5 s of a handshake that brought no credential, or the body of a preauthentication not within 5 s. Try again.',
  },
  notYetValid: {
    http: 401,
    close: 4001,
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
  disconnected: {
    close: 4009,
    reason: 'Disconnected',
    retry: 'yes',
    advice:
      'An operator ended the connection (`postern.disconnect`), and keeps nobody out by that. Reconnect, after a random wait.',
  },
  replayed: {
    http: 401,
    close: 4010,
    reason: 'Ticket replayed',
    code: 'csrf_replayed',
    retry: 'new-token',
    advice:
      'The token has opened a socket before, and opens one only (POSTERN_SINGLE_USE, embed tokens). Preauthenticate once more.',
  },
  bindingMismatch: {
    http: 401,
    close: 4011,
    reason: 'Binding mismatch',
    code: 'binding_mismatch',
    retry: 'new-token',
    advice:
      'The CSRF token belongs to another login than the auth cookie: the user has changed meanwhile, or somebody tries. Preauthenticate once more.',
  },
  revoked: {
    http: 401,
    close: 4500,
    reason: 'Revoked',
    code: 'revoked',
    retry: 'no',
    advice:
      'The user, the login or the token was revoked (`postern.revoke`). Stop, and tell the user, who has to log in again.',
  },
  identityChanged: {
    close: 4501,
    reason: 'Identity changed',
    retry: 'no',
    advice:
      'The token by which the session was to go on is good and somebody else’s: another user, or another login, than the session began with. Stop, show the page of the user who is logged in now, and connect anew.',
  },
  connectionLimit: {
    http: 429,
    close: 4503,
    reason: 'Connection limit',
    code: 'connection_limit',
    finerCodes: ['subscription_limit'],
    retry: 'no',
    advice:
      'The user, or the address, has as many connections open as POSTERN_CONNECTIONS_PER_USER or POSTERN_CONNECTIONS_PER_ADDRESS allow; or the session as many subscriptions as POSTERN_SUBSCRIPTIONS_PER_SESSION does. Close one first.',
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
    finerCodes: ['replay_store_down', 'outcome_unknown', 'keys_unavailable'],
    retry: 'yes',
    advice:
      'PostgreSQL is away, or the key that the token names cannot be looked up: handshakes are refused. A message whose outcome is unknown ends its sender. Reconnect with backoff; what you sent last may or may not have arrived.',
  },
  tokenInvalid: {
    http: 401,
    close: 4502,
    reason: 'Token invalid',
    code: 'token_invalid',
    retry: 'no',
    advice: 'The token does not verify, or a claim that must be there is missing or malformed.',
  },
  badMessage: {
    http: 400,
    close: 4505,
    reason: 'Bad message',
    code: 'bad_message',
    finerCodes: ['credential_ambiguous', 'cookie_ambiguous'],
    retry: 'no',
    advice:
      'A message that is none of postern.v1, or a request that says the same thing twice, or asks for a stream and names no channel for it. A bug in the client: stop.',
  },
} as const satisfies Record<string, Failure & { readonly close: number }>;
