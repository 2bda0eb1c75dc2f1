import type { Answer, Request } from './exchange.ts';
import { exchange } from './exchange.ts';

/** A request with this Host header, or with none. */
export function askAs(
  host: string | undefined,
  port: number,
  { method = 'GET', target = '/metrics', lines = [] }: Request = {},
): Promise<Answer> {
  const named = host === undefined ? [] : [`Host: ${host}`];
  const head = [`${method} ${target} HTTP/1.1`, ...named, 'Connection: close', ...lines];
  return exchange(port, `${head.join('\r\n')}\r\n\r\n`);
}
