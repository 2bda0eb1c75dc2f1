import type { IncomingMessage } from 'node:http';
import type { BasePath } from './base-path.ts';
import type { Transport } from './transport.ts';

/** Where browsers are to connect. */
export interface SocketUrlOptions {
  /** How browsers reach the gateway; undefined: as they just did. */
  readonly publicUrl: string | undefined;
  readonly basePath: BasePath;
}

/** The URL of the WebSocket, for who sent this request. */
export type SocketUrl = (request: IncomingMessage, transport: Transport) => string;

/** Builds what tells it. A path in the public URL stands for the base path, as a proxy may rename it. */
export function createSocketUrl({ publicUrl, basePath }: SocketUrlOptions): SocketUrl {
  const path = basePath.whole('/ws');
  if (publicUrl === undefined)
    return ({ headers }, transport) =>
      `${transport === 'tls' ? 'wss' : 'ws'}://${headers.host ?? ''}${path}`;

  const { protocol, host, pathname } = new URL(publicUrl);
  const scheme = protocol === 'https:' || protocol === 'wss:' ? 'wss' : 'ws';
  const url = `${scheme}://${host}${pathname === '/' ? path : `${pathname.replace(/\/$/, '')}/ws`}`;
  return () => url;
}
