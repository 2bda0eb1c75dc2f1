import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';

/** A request that never came over a wire: from this address and with these headers. */
export function requestFrom(
  remoteAddress: string | undefined,
  headers: Readonly<Record<string, string>> = {},
): IncomingMessage {
  const socket = Object.defineProperty(new Socket(), 'remoteAddress', { value: remoteAddress });
  return Object.assign(new IncomingMessage(socket), { headers });
}
