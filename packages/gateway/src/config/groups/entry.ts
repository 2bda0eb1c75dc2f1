import { option } from '../option.ts';
import { flag, hosts, networks, origins } from '../parsers.ts';

/** Which ways in are open, and to whom. */
export const entryOptions = {
  urlTokens: option(
    flag.default(false),
    'Accept tokens in the path, as the raw protocol has them. Paths end up in the logs of proxies.',
  ),
  channelPatterns: option(
    flag.default(true),
    'Channel claims may hold patterns (`room:*`) and templates (`user:{sub}`); off: each is a name as it stands.',
  ),
  openChannels: option(
    flag.default(false),
    'A token without channel claims opens whatever channel the path names.',
  ),
  allowedOrigins: option(
    origins.default([]),
    'Exact origins of pages that may connect, beside that of `POSTERN_PUBLIC_URL`. Unset: pages of no other origin, on `postern.v1`; on the raw protocol `Origin` is not checked then.',
  ),
  allowedHosts: option(
    hosts.default([]),
    'Names that clients may reach the gateway by: `host`, at any port, or `host:port`; `*`: any. Where any has to be listed, that of `POSTERN_PUBLIC_URL` is. Unset: any, but where `POSTERN_HOST` is a loopback address only names of this computer, which stay allowed beside those listed. `/healthz` and `/readyz` answer to any.',
  ),
  trustedProxies: option(
    networks.default([]),
    'Addresses or CIDR blocks of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed; unset: nobody’s, and who connects is the client.',
  ),
};
