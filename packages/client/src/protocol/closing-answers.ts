import type { closingFailures } from './closing-failures.ts';
import type { FailureRow } from './failure.ts';

/**
 * What the failures that have a close code are in an answer: the HTTP status where a request is refused for them, and
 * their codes in machine-readable answers. Those that are not here end open connections only.
 */
export const closingAnswers = {
  goingAway: { http: 503, code: 'draining' },
  messageTooBig: { code: 'too_big' },
  internal: { http: 500, code: 'internal' },
  restart: { code: 'unavailable' },
  unauthorized: {
    http: 401,
    code: 'credential_missing',
    finerCodes: [
      'cookie_missing',
      'csrf_invalid',
      'cookie_invalid',
      'embed_invalid',
      'refresh_invalid',
    ],
  },
  tokenExpired: {
    http: 401,
    code: 'token_expired',
    finerCodes: [
      'csrf_expired',
      'cookie_expired',
      'embed_expired',
      'refresh_expired',
      'auth_expired',
    ],
  },
  forbidden: { http: 403, code: 'forbidden', finerCodes: ['scope_denied', 'origin_mismatch'] },
  timeout: { http: 408, code: 'timeout' },
  notYetValid: { http: 401, code: 'token_not_active' },
  replayed: { http: 401, code: 'csrf_replayed' },
  bindingMismatch: { http: 401, code: 'binding_mismatch' },
  revoked: { http: 401, code: 'revoked' },
  connectionLimit: { http: 429, code: 'connection_limit', finerCodes: ['subscription_limit'] },
  rateLimited: { http: 429, code: 'rate_limited' },
  backendUnavailable: {
    http: 503,
    code: 'unavailable',
    finerCodes: ['replay_store_down', 'outcome_unknown', 'keys_unavailable'],
  },
  tokenInvalid: { http: 401, code: 'token_invalid' },
  badMessage: {
    http: 400,
    code: 'bad_message',
    finerCodes: ['credential_ambiguous', 'cookie_ambiguous'],
  },
} as const satisfies Partial<
  Record<keyof typeof closingFailures, Pick<FailureRow, 'http' | 'code' | 'finerCodes'>>
>;
