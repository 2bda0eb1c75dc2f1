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

/** A POST that never came over a wire: with these header lines, and a body in these chunks. */
export function posted(
  lines: readonly (readonly [name: string, value: string])[],
  chunks: readonly (string | Buffer)[] = [],
): IncomingMessage {
  const headers = Object.fromEntries(lines.map(([name, value]) => [name.toLowerCase(), value]));
  const request = Object.assign(requestFrom('192.0.2.1', headers), { method: 'POST' });
  request.rawHeaders = lines.flat();
  for (const chunk of chunks) request.push(chunk);
  return request;
}
