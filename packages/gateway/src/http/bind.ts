import { networkInterfaces } from 'node:os';

/** What `server.listen` is told. */
export interface BindAddress {
  readonly host: string;
  readonly ipv6Only: boolean;
}

/**
 * Translates the option `host`. The short forms are those of postgres-websockets: `*` any address,
 * `*4` and `*6` any with a preference, `!4` and `!6` one family only. Where the machine has no IPv6,
 * `*` is all of IPv4.
 */
export function bindAddress(host: string, ipv6 = hasIpv6()): BindAddress {
  const everything = { host: ipv6 ? '::' : '0.0.0.0', ipv6Only: false };
  const short: Readonly<Record<string, BindAddress>> = {
    '*': everything,
    '*4': { host: '0.0.0.0', ipv6Only: false },
    '!4': { host: '0.0.0.0', ipv6Only: false },
    '*6': everything,
    '!6': { host: '::', ipv6Only: true },
  };
  const named = Object.hasOwn(short, host) ? short[host] : undefined;
  return named ?? { host, ipv6Only: false };
}

function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some((address) => address.family === 'IPv6'),
  );
}
