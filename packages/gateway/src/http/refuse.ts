import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Failure, FailureCode } from '@postern/client/protocol';
import type { Claims } from '../auth/verify.ts';
import type { Closing } from '../session/session.ts';

/** A failure that an HTTP answer can tell. */
export type Refusing = Failure & { readonly http: number };

/** How a handshake is refused. */
export interface Refusal {
  readonly failure: Refusing;
  /** Which of the failure's codes, where it is a finer one. */
  readonly code?: FailureCode;
  /** Where the raw protocol has another status than the table: it knows only 400. */
  readonly status?: number;
  /** Where the raw protocol has another text than the table. Constant: never holds input. */
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What a signed token says of its holder: for the log, never for the answer. */
  readonly claims?: Claims | undefined;
}

/** A refusal of somebody who may be told the reason, and by a close code too. */
export interface LateRefusal extends Refusal {
  readonly failure: Refusing & Closing;
}

/** Answers an upgrade request with a plain HTTP response and closes the connection. */
export function refuse(socket: Duplex, refusal: Refusal): void {
  const { failure, status = failure.http, text = failure.reason, headers = {} } = refusal;
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Cache-Control: no-store',
    'Connection: close',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${text}`);
  // A client that keeps its side open after the answer is not waited for.
  socket.once('finish', () => socket.destroy());
}
