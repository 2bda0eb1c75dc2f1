import { once } from 'node:events';
import { request } from 'node:http';
import { request as requestByTls } from 'node:https';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

import type { Answer } from './exchange.ts';
import { exchange } from './exchange.ts';
import { placeOf } from './place.ts';
import type { PortOrPlace } from './place.ts';
import type { Scope } from './postgres.ts';
import { APP } from './preauth.ts';
import { inTime, until } from './wait.ts';
import type { WsHandshake } from './way-in.ts';

/** What a request for a stream brings. */
export interface StreamRequest {
  /** `chat` by default. */
  readonly channels?: readonly string[];
  readonly csrf?: string;
  readonly embed?: string;
  readonly bearer?: string;
  /** A cursor in the query. */
  readonly from?: string | undefined;
  /** The Cookie header; none by default. */
  readonly cookie?: string;
  /** The page; {@link APP} by default, `undefined`: it does not say. */
  readonly origin?: string | undefined;
  /** In place of `/sse` and the whole query. */
  readonly target?: string;
  readonly method?: string;
  /** HTTP/1.1 by default. */
  readonly version?: string;
  /** Further header lines, repeated ones too; none by default. */
  readonly lines?: readonly string[];
  /** Headers to change; `undefined` leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

/** An event as a page gets it, and what it had when it came. */
export interface StreamEvent {
  readonly type: string;
  readonly data: string;
  /** The last `id:` so far, whichever event it came with. */
  readonly lastEventId: string;
}

/** Reads a stream of events as a browser does (HTML §9.2.6), without coming back by itself. */
export class StreamClient {
  readonly #response: IncomingMessage;
  /** Everything that came, not taken by {@link event} yet. */
  readonly #events: StreamEvent[] = [];
  /** All that came of the body. */
  text = '';
  comments = 0;
  retry: number | undefined;
  /** As a browser would send it that comes back. */
  lastEventId = '';
  #rest = '';
  #fields: readonly (readonly [string, string])[] = [];
  #ended = false;

  private constructor(response: IncomingMessage) {
    this.#response = response;
    response.setEncoding('utf8');
    response.on('data', (text: string) => this.#read(text));
    response.on('close', () => (this.#ended = true));
    response.on('error', () => {
      // Cut off: `close` follows.
    });
  }

  /** Asks for a stream, and fails when there is none. It is dropped at the end of the scope. */
  static async open(
    scope: Scope,
    place: PortOrPlace,
    options: StreamRequest = {},
  ): Promise<StreamClient> {
    const { host, port, isSecure } = placeOf(place);
    const asked = (isSecure ? requestByTls : request)({
      host,
      port,
      path: targetOf(options),
      agent: false,
      headers: headersOf(options),
    }).end();
    scope.after(() => Promise.resolve(void asked.destroy()));
    const [response]: IncomingMessage[] = await inTime('a stream', once(asked, 'response'));
    if (response?.statusCode !== 200) throw new Error(`Refused: ${response?.statusCode}`);
    return new StreamClient(response);
  }

  get headers(): IncomingHttpHeaders {
    return this.#response.headers;
  }

  /** Events that came, and that nobody took. */
  get events(): readonly StreamEvent[] {
    return this.#events;
  }

  /** The next event. Throws when the stream ends first. */
  async event(deadlineMs?: number): Promise<StreamEvent> {
    const next = (): StreamEvent | undefined => {
      const event = this.#events.shift();
      if (event === undefined && this.#ended) throw new Error('The stream has ended');
      return event;
    };
    return until('an event', next, deadlineMs);
  }

  /** What the next event says, which is of this type. */
  async said(type: string, deadlineMs?: number): Promise<Readonly<Record<string, unknown>>> {
    const event = await this.event(deadlineMs);
    const message: unknown = JSON.parse(event.data);
    if (event.type !== type) throw new Error(`${event.type} in place of ${type}: ${event.data}`);
    return { ...Object(message) };
  }

  /** Waits until the gateway has ended the stream. */
  async ended(deadlineMs?: number): Promise<void> {
    await until('the end of the stream', () => this.#ended, deadlineMs);
  }

  /** Stops reading. */
  pause(): void {
    this.#response.pause();
  }

  /** Reads on. */
  resume(): void {
    this.#response.resume();
  }

  /** Drops the connection. */
  leave(): void {
    this.#response.destroy();
  }

  #read(text: string): void {
    this.text += text;
    const lines = `${this.#rest}${text}`.split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#take(line);
  }

  #take(line: string): void {
    if (line === '') return this.#dispatch();
    if (line.startsWith(':')) this.comments += 1;
    else {
      const [, name = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
      this.#fields = [...this.#fields, [name, value]];
    }
  }

  #dispatch(): void {
    const fields = new Map(this.#fields);
    const data = this.#fields.filter(([name]) => name === 'data').map(([, value]) => value);
    this.#fields = [];
    this.lastEventId = fields.get('id') ?? this.lastEventId;
    this.retry = fields.has('retry') ? Number(fields.get('retry')) : this.retry;
    if (data.length === 0) return;
    const type = fields.get('event') ?? 'message';
    this.#events.push({ type, data: data.join('\n'), lastEventId: this.lastEventId });
  }
}

/** Asks for a stream on a connection of its own, byte for byte, and returns the answer, which is none. */
export function refusedStream(port: number, options: StreamRequest = {}): Promise<Answer> {
  const { method = 'GET', version = 'HTTP/1.1', lines = [] } = options;
  const all = { Host: `127.0.0.1:${port}`, Connection: 'close', ...headersOf(options) };
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  const text = [`${method} ${targetOf(options)} ${version}`, ...head, ...lines].join('\r\n');
  return exchange(port, `${text}\r\n\r\n`);
}

/** Why there is no stream: the status, what is wrong, and the code. */
export function whyNot({ status, body }: Answer): string {
  const { title, type }: Readonly<Record<string, string>> = JSON.parse(body);
  return `${status} ${title}: ${type?.split(':').at(-1)}`;
}

/** The same request for a stream as for a socket. */
export function streamLike({ target = '/sse', headers = {}, ...rest }: WsHandshake): StreamRequest {
  // Between path and credential a draft may have put a query of its own.
  const [path = '', ...queries] = target.split('?');
  const { 'Sec-WebSocket-Protocol': _, ...others } = headers;
  const { offers: __, ...request } = rest;
  return { ...request, headers: others, target: `${path}?${queries.join('&')}` };
}

function targetOf({ channels = ['chat'], csrf, embed, from, target }: StreamRequest): string {
  if (target !== undefined) return target;
  const query = new URLSearchParams();
  for (const channel of channels) query.append('channel', channel);
  for (const [name, value] of Object.entries({ csrf, embed, from }))
    if (value !== undefined) query.set(name, value);
  return `/sse?${query}`;
}

function headersOf(options: StreamRequest): Readonly<Record<string, string>> {
  const { bearer, cookie, headers } = options;
  const all = {
    Origin: 'origin' in options ? options.origin : APP,
    Cookie: cookie,
    Authorization: bearer === undefined ? undefined : `Bearer ${bearer}`,
    ...headers,
  };
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
