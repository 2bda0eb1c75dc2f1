import { option } from '../option.ts';
import { flag, list, number, secret } from '../parsers.ts';

/** What verifies tokens, and what they must say. */
export const tokenOptions = {
  jwtSecret: option(
    secret.optional(),
    'What verifies tokens: an HMAC secret of at least 32 bytes, PEM public keys, a JWK or a JWK set.',
    ['PGWS_JWT_SECRET'],
  ),
  jwtSecretBase64: option(flag.default(false), 'The HMAC secret is given in base64 or base64url.', [
    'PGWS_JWT_SECRET_BASE64',
  ]),
  jwks: option(
    secret.optional(),
    'JWK set (RFC 7517) whose keys verify tokens, beside the secret: its text, or the https URL to fetch it from.',
  ),
  jwtAudience: option(list.default([]), 'Accepted `aud` values; unset: `aud` is not checked.'),
  jwtIssuer: option(list.default([]), 'Accepted `iss` values; unset: `iss` is not checked.'),
  jwtType: option(list.default([]), 'Accepted `typ` headers; unset: `typ` is not checked.'),
  requireExp: option(flag.default(true), 'Refuse tokens that never expire.'),
  requireClaims: option(list.default([]), 'Claims that every token must have, such as `sub,jti`.'),
  expLeeway: option(
    number(0, 60).default(0),
    'Seconds that a token counts beyond its `exp`, at the handshake and for the open connection alike.',
  ),
  clockLeeway: option(
    number(0, 300).default(5),
    'Seconds that `nbf` and `iat` may lie ahead, since clocks differ.',
  ),
  refreshMayWiden: option(
    flag.default(false),
    'A session that shows a new token while it lasts may get channels by it that it did not have; otherwise it keeps what both tokens grant.',
  ),
};
