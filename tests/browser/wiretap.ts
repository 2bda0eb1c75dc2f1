import { createServer as createClearServer, request as requestInClear } from 'node:http';
import type {
  ClientRequest,
  IncomingHttpHeaders,
  IncomingMessage,
  ServerResponse,
} from 'node:http';
import { createServer, request as requestByTls } from 'node:https';
import { pipeline } from 'node:stream';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';

import type { Certificate } from '../support/certificate.ts';
import type { Scope } from '../support/postgres.ts';
import { serve } from './serving.ts';

/** A request as the gateway got it from a browser, and what it answered. */
export interface Overheard {
  readonly method: string;
  readonly sent: IncomingHttpHeaders;
  readonly status: number;
  readonly answered: IncomingHttpHeaders;
  /** Of a refused handshake as well, which no page can read; empty after 101, and of a stream. */
  readonly body: string;
}

/** The answer in short: the status, and the code of a problem or what a refused handshake says. */
export function inShort({ status, answered, body }: Overheard): string {
  const [, code] = /"urn:postern:failure:(\w+)"/.exec(body) ?? [];
  const isText = answered['content-type']?.startsWith('text/plain') === true;
  return `${status} ${code ?? (isText ? body : '')}`.trim();
}

/** What stands between browsers and a gateway, changes nothing, and writes down what passes. */
export interface Wiretap {
  readonly port: number;
  /** What has passed since it was asked last. An answer is in it before the browser has it. */
  take(): readonly Overheard[];
  /** From now on the gateway is told no header of such a name, as by a browser that knows none; `undefined`: all. */
  withhold(names: RegExp | undefined): void;
}

/** Where a wiretap is put. */
export interface WiretapOptions {
  /** Asked for each request: the gateway may start after it. */
  readonly gatewayPort: () => number;
  /** In the clear on both sides without one. */
  readonly certificate?: Certificate;
}

/** Puts a wiretap in front of a gateway. Its connections are gone at the end of the scope. */
export async function startWiretap(
  scope: Scope,
  { gatewayPort, certificate }: WiretapOptions,
): Promise<Wiretap> {
  const overheard: Overheard[] = [];
  let withheld: RegExp | undefined;

  const passOn = ({ method, url, rawHeaders }: IncomingMessage): ClientRequest =>
    (certificate === undefined ? requestInClear : requestByTls)({
      host: '127.0.0.1',
      port: gatewayPort(),
      method,
      path: url,
      headers: pairsOf(rawHeaders)
        .filter(([name]) => withheld?.test(name) !== true)
        .flat(),
      agent: false,
      ...(certificate === undefined ? {} : { rejectUnauthorized: false }),
    });
  const note = (request: IncomingMessage, answer: IncomingMessage, body = ''): void => {
    const { method = '', headers: sent } = request;
    const { statusCode: status = 0, headers: answered } = answer;
    overheard.push({ method, sent, status, answered, body });
  };

  const server =
    certificate === undefined
      ? createClearServer()
      : createServer({ cert: certificate.certificate, key: certificate.key });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const further = passOn(request);
    further.on('error', () => response.destroy());
    further.on('response', (answer) => {
      const head = [answer.statusCode ?? 0, answer.rawHeaders] as const;
      if (isStream(answer)) {
        note(request, answer);
        pipeline(answer, response.writeHead(...head), () => {
          // Whichever side ended it, the other is ended, too.
        });
        return;
      }
      void text(answer).then((body) => {
        note(request, answer, body);
        response.writeHead(...head).end(body);
      });
    });
    request.pipe(further);
  });
  server.on('upgrade', (request: IncomingMessage, near: Duplex) => {
    const further = passOn(request);
    further.on('error', () => near.destroy());
    further.on('response', (answer) => {
      void text(answer).then((body) => {
        note(request, answer, body);
        near.end(`${headOf(answer)}${body}`);
      });
    });
    further.on('upgrade', (answer: IncomingMessage, far: Duplex, head: Buffer) => {
      note(request, answer);
      near.write(headOf(answer));
      near.write(head);
      join(near, far);
    });
    further.end();
  });
  return {
    port: await serve(scope, server),
    take: () => overheard.splice(0),
    withhold: (names) => {
      withheld = names;
    },
  };
}

/** Hands on what either says, and ends one with the other. */
function join(near: Duplex, far: Duplex): void {
  near.pipe(far);
  far.pipe(near);
  for (const [one, other] of [
    [near, far],
    [far, near],
  ] as const) {
    one.on('close', () => other.destroy());
    one.on('error', () => other.destroy());
  }
}

/** Whether the answer goes on for as long as the browser listens: nobody could wait for its end. */
function isStream({ headers }: IncomingMessage): boolean {
  return headers['content-type']?.startsWith('text/event-stream') === true;
}

function pairsOf(rawHeaders: readonly string[]): readonly (readonly [string, string])[] {
  return rawHeaders.flatMap((name, index) =>
    index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? ''] as const] : [],
  );
}

function headOf({ statusCode, statusMessage, rawHeaders }: IncomingMessage): string {
  const lines = pairsOf(rawHeaders).map(([name, value]) => `${name}: ${value}`);
  return `${[`HTTP/1.1 ${statusCode} ${statusMessage}`, ...lines].join('\r\n')}\r\n\r\n`;
}
