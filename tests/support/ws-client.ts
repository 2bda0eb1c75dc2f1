import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

import { WebSocket } from 'ws';

import { event, inTime, until } from './wait.ts';

/** How to connect. */
export interface ConnectOptions {
  /** Subprotocols to offer; none by default. */
  readonly protocols?: readonly string[];
  /** Request headers besides those of the handshake; none by default. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Certificates to trust, as PEM; the system's by default. */
  readonly ca?: string;
  /** The address to connect from: where there is more than one, as on Linux, of 127.0.0.0/8. */
  readonly localAddress?: string;
}

/** What is unusual about a frame. */
export interface FrameOptions {
  /** False: more of the message follows. */
  readonly fin?: boolean;
  /** Whether bytes go out as a binary message, as they do by default. */
  readonly binary?: boolean;
}

/** The answer to a handshake that was refused. */
export interface Refusal {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** How a connection ended. */
export interface Closing {
  readonly code: number;
  readonly reason: string;
}

/** A well-behaved WebSocket client that remembers all it was told. */
export class WsClient {
  readonly #socket: WebSocket;
  readonly #messages: string[] = [];
  #read = 0;
  #closing: Closing | undefined;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    // From the start: the first message may come in one packet with the answer to the handshake.
    socket.on('message', (data) => this.#messages.push(String(data)));
    socket.on('close', (code, reason) => (this.#closing = { code, reason: reason.toString() }));
    socket.on('error', () => {
      // `close` follows, with 1006.
    });
  }

  /** Connects. Throws, with status and body, when the handshake is refused. */
  static async connect(url: string, options: ConnectOptions = {}): Promise<WsClient> {
    const socket = open(url, options);
    const client = new WsClient(socket);
    const refusal = await inTime('the answer to the handshake', handshake(socket));
    if (refusal === undefined) return client;
    throw new Error(`The handshake was refused: ${refusal.status} ${refusal.body}`);
  }

  /** Connects, sure to be refused, and returns the answer. Throws when the connection opens. */
  static async refusal(url: string, options: ConnectOptions = {}): Promise<Refusal> {
    const socket = open(url, options);
    const refusal = await inTime('the answer to the handshake', handshake(socket));
    if (refusal !== undefined) return refusal;
    socket.terminate();
    throw new Error('The handshake was not refused');
  }

  /** All messages so far, also those that `message()` has returned. */
  get messages(): readonly string[] {
    return this.#messages;
  }

  /** The subprotocol that the server chose; empty for none. */
  get protocol(): string {
    return this.#socket.protocol;
  }

  /** The next message that was not returned yet. Throws when the connection ends first. */
  async message(deadlineMs?: number): Promise<string> {
    const position = this.#read++;
    const arrived = (): string | undefined => {
      const message = this.#messages[position];
      if (message !== undefined || this.#closing === undefined) return message;
      throw new Error(`The connection ended with ${this.#closing.code} ${this.#closing.reason}`);
    };
    return until(`message ${position + 1}`, arrived, deadlineMs);
  }

  /** Waits for the end of the connection. 1006 is an end without a close frame. */
  closed(deadlineMs?: number): Promise<Closing> {
    return until('the end of the connection', () => this.#closing, deadlineMs);
  }

  /** Sends a text frame, or a binary one for a Buffer, unless it is said otherwise. */
  send(data: string | Buffer, how: FrameOptions = {}): void {
    this.#socket.send(data, how);
  }

  /** Sends a ping and waits for its pong: what the server was sent before has reached it by then. */
  async ping(deadlineMs?: number): Promise<void> {
    const pong = event(this.#socket, 'pong', deadlineMs);
    this.#socket.ping();
    await pong;
  }

  /** Closes in good order and waits until the server has answered. */
  async close(code = 1000): Promise<void> {
    this.#socket.close(code);
    await this.closed();
  }

  /** Drops the connection without a goodbye. */
  terminate(): void {
    this.#socket.terminate();
  }
}

function open(url: string, { protocols = [], headers = {}, ...rest }: ConnectOptions): WebSocket {
  return new WebSocket(url, [...protocols], { headers, perMessageDeflate: false, ...rest });
}

/** Resolves with `undefined` once the connection is open, and with the answer when it was refused. */
function handshake(socket: WebSocket): Promise<Refusal | undefined> {
  return new Promise((settle, fail) => {
    socket.once('open', () => settle(undefined));
    socket.once('error', fail);
    socket.once('unexpected-response', (request, response) => {
      readRefusal(response)
        .finally(() => request.destroy())
        .then(settle, fail);
    });
  });
}

async function readRefusal(response: IncomingMessage): Promise<Refusal> {
  const { statusCode: status = 0, headers } = response;
  return { status, headers, body: await text(response) };
}
