import type { FailureRow } from './failure.ts';

/**
 * The rows of the failure table that have a close code: they end an open connection, and most of them
 * refuse a handshake as well ({@link closingAnswers}). Codes of 1xxx keep their RFC 6455 meaning and never stand for
 * authorisation. These columns are what clients come back by, and all of the table that is in them.
 */
export const closingFailures = {
  normal: { close: 1000, reason: '', retry: 'no' },
  goingAway: { close: 1001, reason: 'Going away', retry: 'yes' },
  protocolError: { close: 1002, reason: '', retry: 'no' },
  binaryUnsupported: { close: 1003, reason: 'Binary unsupported', retry: 'no' },
  invalidText: { close: 1007, reason: 'Invalid UTF-8', retry: 'no' },
  tooManyFragments: { close: 1008, reason: '', retry: 'no' },
  messageTooBig: { close: 1009, reason: 'Message too big', retry: 'no' },
  internal: { close: 1011, reason: 'Internal error', retry: 'yes' },
  restart: { close: 1012, reason: 'Service restart', retry: 'yes' },
  unauthorized: { close: 3000, reason: 'Unauthorized', retry: 'new-token' },
  tokenExpired: { close: 3001, reason: 'JWT expired', retry: 'new-token' },
  forbidden: { close: 3003, reason: 'Forbidden', retry: 'no' },
  timeout: { close: 3008, reason: 'Timeout', retry: 'yes' },
  notYetValid: { close: 4001, reason: 'JWT not active', retry: 'yes' },
  tooOld: { close: 4002, reason: 'Connection too old', retry: 'yes' },
  slowConsumer: { close: 4008, reason: 'Slow consumer', retry: 'yes' },
  disconnected: { close: 4009, reason: 'Disconnected', retry: 'yes' },
  replayed: { close: 4010, reason: 'Ticket replayed', retry: 'new-token' },
  bindingMismatch: { close: 4011, reason: 'Binding mismatch', retry: 'new-token' },
  revoked: { close: 4500, reason: 'Revoked', retry: 'no' },
  identityChanged: { close: 4501, reason: 'Identity changed', retry: 'no' },
  connectionLimit: { close: 4503, reason: 'Connection limit', retry: 'no' },
  rateLimited: { close: 4029, reason: 'Rate limited', retry: 'yes' },
  backendUnavailable: { close: 4012, reason: 'Backend unavailable', retry: 'yes' },
  tokenInvalid: { close: 4502, reason: 'Token invalid', retry: 'no' },
  badMessage: { close: 4505, reason: 'Bad message', retry: 'no' },
} as const satisfies Record<string, FailureRow & { readonly close: number }>;
