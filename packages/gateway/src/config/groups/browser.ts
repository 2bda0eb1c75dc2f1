import { option } from '../option.ts';
import { cookieName, flag, oneOf, origins, publicUrl, secrets, webUrl } from '../parsers.ts';

/** How browsers come in: with an auth cookie and a CSRF token, or framed, with an embed token. */
export const browserOptions = {
  publicUrl: option(
    publicUrl.optional(),
    'How browsers reach the gateway, such as `https://app.example.com`: pages of this origin may connect, and preauthentication sends them here. Unset: no origin is the gateway’s own, whatever `Host` says.',
  ),
  embedOrigins: option(
    origins.default([]),
    'Exact origins of pages that are framed by other sites: they get embed tokens, and no cookie. Unset: none.',
  ),
  secrets: option(
    secrets.optional(),
    'What auth cookies, CSRF tokens and embed tokens are signed with, as `kid:base64,…` of at least 32 bytes each (`openssl rand -base64 32`): the first signs, all verify. To replace one, put the new one behind the old on every gateway, then in front, and take the old one out a minute later. Unset: random at each start, which is right for one gateway and wrong for two.',
  ),
  siteCookie: option(
    cookieName.optional(),
    'Cookie in which the site keeps its token: preauthentication reads it where there is no bearer in `Authorization`. Unset: none.',
  ),
  authUrl: option(
    webUrl.optional(),
    'http or https URL of the site’s backend, which then alone says who preauthenticates: asked by GET with the page’s `Authorization` and cookies, it answers 200 with claims as JSON, or 401, within 2 s. Unset: tokens say it.',
  ),
  singleUse: option(
    flag.default(false),
    'A CSRF token opens one socket: which were used is kept in PostgreSQL for all gateways, and while it cannot be asked nobody comes in by one. Embed tokens always count once.',
  ),
  handshakeErrors: option(
    oneOf(['http', 'close']).default('http'),
    'How a client of `postern.v1` is refused for what it showed: `http`, which page scripts see as 1006 whatever was wrong, or `close`, by 101 and the close code of the failure. Foreign origins and too many handshakes are always refused by `http`.',
  ),
};
