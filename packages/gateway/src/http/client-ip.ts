import type { IncomingMessage } from 'node:http';
import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import proxyAddr from 'proxy-addr';
import type { Log } from '../observe/log.ts';

/** Whose request it is, as an IP address in its usual spelling. */
export type ClientAddress = (request: IncomingMessage) => string;

/** Whom to believe about it. */
export interface ClientAddressOptions {
  /** Addresses and CIDR blocks of proxies. Throws a `TypeError` for what is neither. */
  readonly trustedProxies: readonly string[];
  readonly log: Log;
}

/** What all those without an address have in common: their connection broke already, or is no TCP. */
const UNKNOWN = 'unknown';

/** What proxies send: any of them tells that one is there. */
const FORWARDED = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'forwarded'];

/** An IPv4 address, or an IPv6 one in brackets, as some proxies write them: with the port. */
const WITH_PORT = /^(?:\[([^\]]+)\]|([\d.]+))(?::\d{1,5})?$/;

/** IPv4 as a socket for both families has it (RFC 4291 §2.5.5.2). */
const MAPPED = '::ffff:';

/**
 * Builds what finds a request's client: the other end of the connection or, when that is a trusted
 * proxy, whoever that one says it spoke with, and so on. What a client writes about itself stands
 * beyond the first address that is not trusted, and is never looked at.
 */
export function createClientAddress({ trustedProxies, log }: ClientAddressOptions): ClientAddress {
  const isTrusted = proxyAddr.compile([...trustedProxies]);
  let warned = false;

  return (request) => {
    const peer = peerAddress(request);
    if (peer === undefined) return UNKNOWN;
    if (isTrusted(peer, 0)) return lastVouchedFor(proxyAddr.all(request, isTrusted)) ?? peer;

    if (!warned && isForwarded(request)) {
      warned = true;
      log('proxy_untrusted', { peer, option: 'POSTERN_TRUSTED_PROXIES' });
    }
    return peer;
  };
}

/** Builds what tells whether a trusted proxy is at the other end of a request's connection. */
export function createProxyTrust(
  trustedProxies: readonly string[],
): (request: IncomingMessage) => boolean {
  const isTrusted = proxyAddr.compile([...trustedProxies]);
  return (request) => {
    const peer = peerAddress(request);
    return peer !== undefined && isTrusted(peer, 0);
  };
}

/** Who is at the other end of a request's connection; undefined: nobody any more, or it is no TCP. */
export function peerAddress({ socket }: IncomingMessage): string | undefined {
  return addressIn(socket.remoteAddress ?? '');
}

/** Whether a request says that somebody passed it on. */
export function isForwarded({ headers }: IncomingMessage): boolean {
  return FORWARDED.some((name) => headers[name] !== undefined);
}

/**
 * The last of a chain whose every member but the last is a trusted proxy. Where that one wrote what
 * is no address, the request counts as its own: nobody must get away by being unreadable.
 */
function lastVouchedFor(chain: readonly string[]): string | undefined {
  return addressIn(chain.at(-1) ?? '') ?? addressIn(chain.at(-2) ?? '');
}

/** One spelling for each address, so that nobody counts twice; undefined when it is none. */
function addressIn(text: string): string | undefined {
  const [, six, four] = WITH_PORT.exec(text) ?? [];
  const bare = six ?? four ?? text;
  if (isIPv4(bare)) return bare;
  if (!isIPv6(bare)) return undefined;

  const { address } = new SocketAddress({ address: bare, family: 'ipv6' });
  const mapped = address.startsWith(MAPPED) ? address.slice(MAPPED.length) : '';
  return isIPv4(mapped) ? mapped : address;
}
