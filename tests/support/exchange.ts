import { randomBytes } from 'node:crypto';

import { keepTokensIn } from './evidence.ts';
import { placeOf } from './place.ts';
import type { PortOrPlace } from './place.ts';
import { RawSocket } from './raw-socket.ts';

/** An HTTP answer, to a plain request or to a handshake. */
export interface Answer {
  readonly status: number;
  /** Names in lower case; a repeated header keeps its last value. */
  readonly headers: ReadonlyMap<string, string>;
  /** Empty after 101. */
  readonly body: string;
}

/** A request as it goes over the wire: nothing is checked, encoded or added. */
export interface Request {
  /** GET by default. */
  readonly method?: string;
  /** What stands between the method and the version; `/` by default. */
  readonly target?: string;
  /** HTTP/1.1 by default. */
  readonly version?: string;
  /** Header lines besides `Host` and `Connection: close`; none by default. */
  readonly lines?: readonly string[];
  /** Empty by default. */
  readonly body?: string;
}

/** Sends one plain request on a connection of its own and returns the whole answer. */
export function request(port: number, { lines = [], ...rest }: Request = {}): Promise<Answer> {
  const always = [`Host: 127.0.0.1:${port}`, 'Connection: close'];
  return exchange(port, head({ ...rest, lines: [...always, ...lines] }));
}

/** What a handshake differs in from a correct one. */
export interface Handshake extends Omit<Request, 'lines'> {
  /** Headers to change; `undefined` leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Further header lines, repeated ones too; none by default. */
  readonly lines?: readonly string[];
}

/** Sends one handshake and returns the answer. The connection is dropped when it was let in. */
export function handshake(
  place: PortOrPlace,
  { headers, lines = [], ...rest }: Handshake = {},
): Promise<Answer> {
  const all = {
    Host: placeOf(place).authority,
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
    'Sec-WebSocket-Version': '13',
    ...headers,
  };
  const usual = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  );
  return exchange(place, head({ ...rest, lines: [...usual, ...lines] }));
}

/** Sends bytes on a connection of its own and returns the answer. */
export async function exchange(place: PortOrPlace, bytes: string): Promise<Answer> {
  const socket = await RawSocket.connect(place);
  try {
    socket.write(Buffer.from(bytes, 'latin1'));
    const { status, headers } = await socket.responseHead();
    const hasBody = status !== 101 && !bytes.startsWith('HEAD ');
    const body = hasBody ? await bodyOf(socket, headers) : '';
    keepTokensIn(`${headers.get('set-cookie')} ${body}`);
    return { status, headers, body };
  } finally {
    socket.destroy();
  }
}

/** All that comes until the end; only a proxy keeps its connection for another request. */
async function bodyOf(socket: RawSocket, headers: Answer['headers']): Promise<string> {
  if (headers.get('connection') !== 'keep-alive') return (await socket.ended(15_000)).toString();
  if (headers.get('transfer-encoding') === 'chunked') return chunksOf(socket);
  return (await socket.bytes(Number(headers.get('content-length')))).toString();
}

/** The body without its chunks' sizes. */
async function chunksOf(socket: RawSocket): Promise<string> {
  const size = Number.parseInt(await socket.line(), 16);
  const chunk = (await socket.bytes(size)).toString();
  await socket.line();
  return size === 0 ? chunk : chunk + (await chunksOf(socket));
}

function head({
  method = 'GET',
  target = '/',
  version = 'HTTP/1.1',
  lines = [],
  body = '',
}: Request): string {
  return `${[`${method} ${target} ${version}`, ...lines].join('\r\n')}\r\n\r\n${body}`;
}
