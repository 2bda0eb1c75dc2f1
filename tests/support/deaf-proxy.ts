import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import type { Scope } from './postgres.ts';

/** Message type of a NotificationResponse. */
const NOTIFICATION = 'A'.charCodeAt(0);

/** Something between a client and PostgreSQL that gets in the way. */
export interface DeafProxy {
  /** The database by way of the proxy. Without TLS, as the proxy reads along. */
  readonly url: string;
  /** From now on nothing passes, in either direction, and no connection is closed. */
  stall(): void;
  /** Connections that were opened from now on pass again; stalled ones stay as they are. */
  recover(): void;
}

/**
 * Passes everything on but notifications, as a pooler in transaction mode does: the session that
 * LISTENed belongs to somebody else when they come. With `notifications` it is a mere cable.
 */
export async function deafProxy(
  scope: Scope,
  databaseUrl: string,
  options: { readonly notifications: 'lost' | 'passed' },
): Promise<DeafProxy> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let isStalled = false;

  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => [client, upstream].forEach((end) => end.destroy()));
    }
    const keep = options.notifications === 'lost' ? withoutNotifications() : passOn;
    client.on('data', (data) => upstream.write(data));
    upstream.on('data', (data) => client.write(keep(data)));
    if (isStalled) [client, upstream].forEach((socket) => socket.pause());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.after(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });

  const url = new URL(databaseUrl);
  url.port = String(portOf(server.address()));
  url.searchParams.set('sslmode', 'disable');
  return {
    url: url.href,
    stall: () => {
      isStalled = true;
      for (const socket of sockets) socket.pause();
    },
    recover: () => {
      isStalled = false;
    },
  };
}

function passOn(data: Buffer): Buffer {
  return data;
}

/** Cuts the stream of a server into messages (a type, a length of four bytes, the rest). */
function withoutNotifications(): (data: Buffer) => Buffer {
  let rest = Buffer.alloc(0);
  return (data) => {
    rest = Buffer.concat([rest, data]);
    const kept: Buffer[] = [];
    while (rest.length >= 5 && rest.length > rest.readUInt32BE(1)) {
      const end = rest.readUInt32BE(1) + 1;
      if (rest[0] !== NOTIFICATION) kept.push(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
    return Buffer.concat(kept);
  };
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port');
  return address.port;
}
