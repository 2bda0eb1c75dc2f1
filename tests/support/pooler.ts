import type { Scope } from './postgres.ts';
import { tcpProxy, urlThrough } from './tcp-proxy.ts';

/** Message type of a NotificationResponse. */
const NOTIFICATION = 'A'.charCodeAt(0);

/**
 * The database by way of a proxy that passes everything on but notifications, as a pooler in
 * transaction mode does: the session that LISTENed belongs to somebody else when they come.
 */
export async function behindPooler(scope: Scope, databaseUrl: string): Promise<string> {
  const port = Number(new URL(databaseUrl).port);
  const proxy = await tcpProxy(scope, { port, rewriteDown: withoutNotifications });
  return urlThrough(proxy, databaseUrl);
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
