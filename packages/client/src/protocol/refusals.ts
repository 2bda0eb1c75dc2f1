import type { Failure } from './failure.ts';

/** The rows of the failure table that only refuse a request: an HTTP answer, and no close code. */
export const refusals = {
  originDenied: {
    http: 403,
    reason: 'Origin not allowed',
    code: 'origin_denied',
    retry: 'no',
    advice: 'The page that opened the connection is not listed in POSTERN_ALLOWED_ORIGINS.',
  },
  originMissing: {
    http: 403,
    reason: 'Origin missing',
    code: 'origin_missing',
    retry: 'no',
    advice: 'A request that only pages send came without the Origin that pages send.',
  },
  fetchDenied: {
    http: 403,
    reason: 'Request not allowed',
    code: 'fetch_denied',
    retry: 'no',
    advice:
      'The Fetch Metadata (`Sec-Fetch-…`) of the request are not those of a page of ours that connects.',
  },
  overload: {
    http: 503,
    reason: 'Try again later',
    code: 'unavailable',
    retry: 'yes',
    advice: 'POSTERN_CONNECTIONS allows no more. Reconnect after a random wait.',
  },
  hostDenied: {
    http: 421,
    reason: 'Host not allowed',
    code: 'host_denied',
    retry: 'no',
    advice:
      'The Host header names none of POSTERN_ALLOWED_HOSTS; unset, and with POSTERN_HOST on loopback, no name of this computer.',
  },
  tlsRequired: {
    http: 421,
    reason: 'TLS required',
    code: 'tls_required',
    retry: 'no',
    advice:
      'Preauthentication came in the clear: over plain HTTP, or by a proxy that is not in POSTERN_TRUSTED_PROXIES or does not say `X-Forwarded-Proto: https`.',
  },
  preflightRequired: {
    http: 400,
    reason: 'Preflight required',
    code: 'preflight_required',
    retry: 'no',
    advice:
      'Preauthentication needs the header `X-Postern-Preauth: 1`, which makes browsers ask first.',
  },
  unsupportedMediaType: {
    http: 415,
    reason: 'Unsupported media type',
    code: 'unsupported_media_type',
    retry: 'no',
    advice: 'The body of a preauthentication is `Content-Type: application/json`.',
  },
  contentTooLarge: {
    http: 413,
    reason: 'Content too large',
    code: 'too_big',
    retry: 'no',
    advice:
      'The body of a preauthentication is over 4 KiB; or what the login may do does not fit into a cookie of 3 KiB: have its claims name patterns, or fewer channels.',
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
    advice: 'Nothing answers upgrades at this path, or POSTERN_URL_TOKENS is off.',
  },
  methodNotAllowed: {
    http: 405,
    reason: 'Method not allowed',
    code: 'method_not_allowed',
    retry: 'no',
    advice: 'Only GET (and HEAD, for files and health; and OPTIONS, for streams) is answered.',
  },
  upgradeRequired: {
    http: 426,
    reason: 'Upgrade required',
    code: 'bad_handshake',
    retry: 'no',
    advice: 'The handshake names another WebSocket version than 13.',
  },
} as const satisfies Record<string, Failure & { readonly http: number }>;
