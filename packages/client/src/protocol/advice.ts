import type { FailureName } from './failure-names.ts';

/**
 * What happened, and what a client or its operator does about it: the last column of the failure table. It
 * stands apart from the other columns because no client needs it at run time, and it is most of the bytes.
 */
export const advice = {
  normal: 'The client closed the connection itself; its close frame is echoed.',
  goingAway: 'The gateway is shutting down. Reconnect after a random wait.',
  protocolError:
    'A frame breaks RFC 6455: no mask, reserved bits, an unknown opcode, a malformed close. A bug in the client: stop.',
  binaryUnsupported:
    'A binary message on postern.v1, whose messages are text. A bug in the client: stop.',
  invalidText: 'A message was not valid UTF-8. A bug in the client: stop.',
  tooManyFragments: 'A message came in more than 1,024 fragments. A bug in the client: stop.',
  messageTooBig:
    'A message exceeds POSTERN_MAX_MESSAGE_BYTES, or its envelope 1 MiB; or 7,999 bytes, where the table for longer ones cannot be used. Send less.',
  internal: 'A bug in the gateway: its log has the details. Reconnect with backoff.',
  restart:
    'Messages may have been missed while the gateway was cut off from PostgreSQL (POSTERN_RAW_GAP=close). Reconnect and load the state anew.',
  unauthorized:
    'Nothing valid was shown: no credential, or one that is not from this gateway, or the first message was no `auth`. Get one new token, try once more, then stop.',
  tokenExpired:
    'The token is past its `exp`; or the login behind it has ended. Get a new one, then reconnect.',
  forbidden:
    'The token is valid but grants nothing here: no channel, or not the one in the path; or the program that embeds the gateway says no.',
  timeout:
    'No `auth` came within 5 s of a handshake that brought no credential, or the body of a preauthentication not within 5 s. Try again.',
  notYetValid: 'The token’s `nbf` or `iat` lies in the future: a clock is wrong. Try again later.',
  tooOld: 'The connection reached POSTERN_MAX_CONNECTION_AGE. Reconnect after a random wait.',
  slowConsumer:
    'The client read more slowly than messages came and POSTERN_QUEUE_BYTES were waiting. Reconnect with backoff and load the state anew.',
  disconnected:
    'An operator ended the connection (`postern.disconnect`), and keeps nobody out by that. Reconnect, after a random wait.',
  replayed:
    'The token has opened a socket before, and opens one only (POSTERN_SINGLE_USE, embed tokens). Preauthenticate once more.',
  bindingMismatch:
    'The CSRF token belongs to another login than the auth cookie: the user has changed meanwhile, or somebody tries. Preauthenticate once more.',
  revoked:
    'The user, the login or the token was revoked (`postern.revoke`). Stop, and tell the user, who has to log in again.',
  identityChanged:
    'The token by which the session was to go on is good and somebody else’s: another user, or another login, than the session began with. Stop, show the page of the user who is logged in now, and connect anew.',
  connectionLimit:
    'The user, or the address, has as many connections open as POSTERN_CONNECTIONS_PER_USER or POSTERN_CONNECTIONS_PER_ADDRESS allow; or the session as many subscriptions as POSTERN_SUBSCRIPTIONS_PER_SESSION does. Close one first.',
  rateLimited:
    'The client sent more than POSTERN_MESSAGES_PER_SECOND and POSTERN_MESSAGE_BURST allow: the one that was too much was not published. Or its address knocked more often than POSTERN_HANDSHAKES_PER_ADDRESS allows. Reconnect with backoff.',
  backendUnavailable:
    'PostgreSQL is away, or the key that the token names cannot be looked up: handshakes are refused. A message whose outcome is unknown ends its sender. Reconnect with backoff; what you sent last may or may not have arrived.',
  tokenInvalid: 'The token does not verify, or a claim that must be there is missing or malformed.',
  badMessage:
    'A message that is none of postern.v1, or a request that says the same thing twice, or asks for a stream and names no channel for it. A bug in the client: stop.',
  originDenied: 'The page that opened the connection is not listed in POSTERN_ALLOWED_ORIGINS.',
  originMissing: 'A request that only pages send came without the Origin that pages send.',
  fetchDenied:
    'The Fetch Metadata (`Sec-Fetch-…`) of the request are not those of a page of ours that connects.',
  overload: 'POSTERN_CONNECTIONS allows no more. Reconnect after a random wait.',
  hostDenied:
    'The Host header names none of POSTERN_ALLOWED_HOSTS; unset, and with POSTERN_HOST on loopback, no name of this computer.',
  tlsRequired:
    'Preauthentication came in the clear: over plain HTTP, or by a proxy that is not in POSTERN_TRUSTED_PROXIES or does not say `X-Forwarded-Proto: https`.',
  preflightRequired:
    'Preauthentication needs the header `X-Postern-Preauth: 1`, which makes browsers ask first.',
  unsupportedMediaType: 'The body of a preauthentication is `Content-Type: application/json`.',
  contentTooLarge:
    'The body of a preauthentication is over 4 KiB; or what the login may do does not fit into a cookie of 3 KiB: have its claims name patterns, or fewer channels.',
  badHandshake: 'The upgrade request is not a WebSocket handshake as RFC 6455 §4.1 has it.',
  notFound: 'Nothing answers upgrades at this path, or POSTERN_URL_TOKENS is off.',
  methodNotAllowed:
    'Only GET (and HEAD, for files and health; and OPTIONS, for streams) is answered.',
  upgradeRequired: 'The handshake names another WebSocket version than 13.',
} as const satisfies Record<FailureName, string>;
