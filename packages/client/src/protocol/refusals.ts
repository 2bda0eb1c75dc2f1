import type { FailureRow } from './failure.ts';

/** The rows of the failure table that only refuse a request: an HTTP answer, and no close code. */
export const refusals = {
  originDenied: {
    http: 403,
    reason: 'Origin not allowed',
    code: 'origin_denied',
    retry: 'no',
  },
  originMissing: {
    http: 403,
    reason: 'Origin missing',
    code: 'origin_missing',
    retry: 'no',
  },
  fetchDenied: {
    http: 403,
    reason: 'Request not allowed',
    code: 'fetch_denied',
    retry: 'no',
  },
  overload: {
    http: 503,
    reason: 'Try again later',
    code: 'unavailable',
    retry: 'yes',
  },
  hostDenied: {
    http: 421,
    reason: 'Host not allowed',
    code: 'host_denied',
    retry: 'no',
  },
  tlsRequired: {
    http: 421,
    reason: 'TLS required',
    code: 'tls_required',
    retry: 'no',
  },
  preflightRequired: {
    http: 400,
    reason: 'Preflight required',
    code: 'preflight_required',
    retry: 'no',
  },
  unsupportedMediaType: {
    http: 415,
    reason: 'Unsupported media type',
    code: 'unsupported_media_type',
    retry: 'no',
  },
  contentTooLarge: {
    http: 413,
    reason: 'Content too large',
    code: 'too_big',
    retry: 'no',
  },
  badHandshake: {
    http: 400,
    reason: 'Bad handshake',
    code: 'bad_handshake',
    retry: 'no',
  },
  notFound: {
    http: 404,
    reason: 'Not found',
    code: 'not_found',
    retry: 'no',
  },
  methodNotAllowed: {
    http: 405,
    reason: 'Method not allowed',
    code: 'method_not_allowed',
    retry: 'no',
  },
  upgradeRequired: {
    http: 426,
    reason: 'Upgrade required',
    code: 'bad_handshake',
    retry: 'no',
  },
} as const satisfies Record<string, FailureRow & { readonly http: number }>;
