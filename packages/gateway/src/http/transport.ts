import type { IncomingMessage } from 'node:http';
import { bindsLoopback } from '../loopback.ts';
import { createProxyTrust, isForwarded, peerAddress } from './client-ip.ts';

/** How a request came: where nobody could read it, from this very computer, or in the clear. */
export type Transport = 'tls' | 'loopback' | 'clear';

/** Whom to believe about it. */
export interface TransportOptions {
  /** Addresses and CIDR blocks of proxies. */
  readonly trustedProxies: readonly string[];
  /** Whether plain HTTP from this computer is told apart: for development only. */
  readonly development: boolean;
}

/** Builds what tells how requests came. */
export function createTransportCheck({ trustedProxies, development }: TransportOptions) {
  const comesByProxy = createProxyTrust(trustedProxies);

  return (request: IncomingMessage): Transport => {
    const { socket, headers } = request;
    if ('encrypted' in socket && socket.encrypted === true) return 'tls';
    if (comesByProxy(request) && isHttps(headers['x-forwarded-proto'])) return 'tls';
    // A proxy on this computer lets anybody come from it.
    if (!development || isForwarded(request)) return 'clear';
    return bindsLoopback(peerAddress(request) ?? '') ? 'loopback' : 'clear';
  };
}

/** Each proxy of a chain may add what it was asked by: all of the way must be. */
function isHttps(header: string | string[] | undefined): boolean {
  const protocols = String(header ?? '').split(',');
  return protocols.every((protocol) => protocol.trim().toLowerCase() === 'https');
}
