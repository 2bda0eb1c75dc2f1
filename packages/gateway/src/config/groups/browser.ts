import { option } from '../option.ts';
import { origins, publicUrl, secrets } from '../parsers.ts';

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
};
