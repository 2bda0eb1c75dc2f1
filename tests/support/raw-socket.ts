import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import { decodeFrame, encodeFrame } from './frames.ts';
import type { IncomingFrame, OutgoingFrame } from './frames.ts';
import { placeOf } from './place.ts';
import type { Place, PortOrPlace } from './place.ts';
import { inTime, until } from './wait.ts';

const END_OF_HEAD = '\r\n\r\n';

/** The head of an HTTP response. Names are in lower case; repeated headers keep their last value. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
}

/**
 * A TCP connection that does what it is told and nothing else: no frame is answered, no close is
 * honoured, no header is added, so that a hostile or broken client can be played.
 */
export class RawSocket {
  readonly #socket: Socket;
  readonly #authority: string;
  #chunks: readonly Buffer[] = [];
  #ended = false;

  private constructor(socket: Socket, { authority }: Place) {
    this.#socket = socket;
    this.#authority = authority;
    socket.on('data', (chunk) => (this.#chunks = [...this.#chunks, chunk]));
    socket.on('close', () => (this.#ended = true));
    socket.on('error', () => {
      // A reset is one way to be shown the door; `close` follows.
    });
  }

  /** Put together when it is asked for: a long body comes in many chunks. */
  get #received(): Buffer {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] ?? Buffer.alloc(0);
  }

  set #received(rest: Buffer) {
    this.#chunks = [rest];
  }

  /** Connects to a port of 127.0.0.1, or to another place. */
  static async connect(portOrPlace: PortOrPlace): Promise<RawSocket> {
    const place = placeOf(portOrPlace);
    const { host, port, isSecure } = place;
    const where = { host, port, noDelay: true, allowHalfOpen: true };
    const socket = isSecure ? connectTls({ ...where, servername: nameIn(host) }) : connect(where);
    const isConnected = once(socket, isSecure ? 'secureConnect' : 'connect');
    await inTime(`a connection to ${host}:${port}`, isConnected);
    return new RawSocket(socket, place);
  }

  /** Everything received that no other call has taken yet. */
  get unread(): Buffer {
    return this.#received;
  }

  /** Writes bytes as they are. False while the system's buffer is full. */
  write(bytes: Buffer | string): boolean {
    return this.#socket.write(bytes);
  }

  /** Writes bytes and waits until the system has taken them. False when the connection is gone. */
  writeAll(bytes: Buffer | string): Promise<boolean> {
    return new Promise((resolve) => {
      this.#socket.write(bytes, (error) => resolve(error === undefined || error === null));
    });
  }

  /** Sends a frame, correct or not. */
  sendFrame(frame: OutgoingFrame): boolean {
    return this.write(encodeFrame(frame));
  }

  /** Asks for an upgrade, with `changes` to the headers (`undefined` leaves one out), and returns the answer. */
  async upgrade(
    path: string,
    changes: Readonly<Record<string, string | undefined>> = {},
  ): Promise<ResponseHead> {
    const headers: Record<string, string | undefined> = {
      Host: this.#authority,
      Upgrade: 'websocket',
      Connection: 'Upgrade',
      'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
      'Sec-WebSocket-Version': '13',
      ...changes,
    };
    const lines = Object.entries(headers)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}: ${value}`);
    this.write([`GET ${path} HTTP/1.1`, ...lines].join('\r\n') + END_OF_HEAD);
    return this.responseHead();
  }

  /** The head of the next HTTP response. What follows it stays unread. */
  async responseHead(deadlineMs?: number): Promise<ResponseHead> {
    const end = await until(
      'the head of a response',
      () => this.#position(END_OF_HEAD) ?? this.#failWhenEnded(),
      deadlineMs,
    );
    const head = this.#take(end + END_OF_HEAD.length).toString('latin1');
    return parseHead(head.slice(0, end));
  }

  /** The next frame from the server. Throws when the connection ends first. */
  async frame(deadlineMs?: number): Promise<IncomingFrame> {
    const { frame, rest } = await until(
      'a frame',
      () => decodeFrame(this.#received) ?? this.#failWhenEnded(),
      deadlineMs,
    );
    this.#received = rest;
    return frame;
  }

  /** The next line, without its end. Throws when the connection ends first. */
  async line(deadlineMs?: number): Promise<string> {
    const hasEnded = (): number | undefined => this.#position('\r\n') ?? this.#failWhenEnded();
    const end = await until('the end of a line', hasEnded, deadlineMs);
    return this.#take(end + 2)
      .toString('latin1')
      .trimEnd();
  }

  /** The next so many bytes. Throws when the connection ends first. */
  async bytes(count: number, deadlineMs?: number): Promise<Buffer> {
    const areHere = (): boolean =>
      this.#received.length >= count || this.#failWhenEnded() !== undefined;
    await until(`${count} bytes`, areHere, deadlineMs);
    return this.#take(count);
  }

  /** Stops reading, so that the server's writes pile up. */
  pause(): void {
    this.#socket.pause();
  }

  /** Reads on. */
  resume(): void {
    this.#socket.resume();
  }

  /** Waits until the server has closed its side or reset the connection, and returns what was left unread. */
  async ended(deadlineMs?: number): Promise<Buffer> {
    const hasEnded = (): boolean => this.#ended || this.#socket.readableEnded;
    await until('the end of the connection', hasEnded, deadlineMs);
    return this.#received;
  }

  /** Drops the connection without a goodbye. */
  destroy(): void {
    this.#socket.destroy();
  }

  #position(text: string): number | undefined {
    const position = this.#received.indexOf(text);
    return position === -1 ? undefined : position;
  }

  #take(bytes: number): Buffer {
    const taken = this.#received.subarray(0, bytes);
    this.#received = this.#received.subarray(bytes);
    return taken;
  }

  #failWhenEnded(): undefined {
    if (!this.#ended && !this.#socket.readableEnded) return undefined;
    throw new Error(`The connection ended after ${this.#received.length} unread bytes`);
  }
}

/** What TLS calls a host; nothing for an address. */
function nameIn(host: string): string {
  return isIP(host) === 0 ? host : '';
}

/** Parses the head of an HTTP response, without its empty line. */
export function parseHead(text: string): ResponseHead {
  const [statusLine = '', ...lines] = text.split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { status: Number(statusLine.split(' ')[1]), headers: new Map(headers) };
}
