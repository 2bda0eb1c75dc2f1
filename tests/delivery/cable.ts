import type { SocketConstructor, SocketLike } from '@postern/client';
import { WebSocket } from 'ws';

import { refusalIn } from './connection.ts';
import type { Message } from './connection.ts';
import type { Link } from './reader.ts';

/** What a cable is laid by. */
export interface CableOptions {
  /** Opens what really connects. */
  readonly Socket: SocketConstructor;
  /** Where a socket leads to, whatever its client believes; asked before each. */
  readonly port: () => number;
  /** How long nothing gets through after a connection has ended; asked each time. */
  readonly awayMs: () => number;
  readonly tap: Tap;
}

/** Is told what passes, in its order. */
export interface Tap {
  /** The client has said it. */
  readonly said: (command: Message) => void;
  /** The client has been told it, and what it answers. */
  readonly told: (message: Message, command: Message | undefined) => void;
  /** A socket has ended: a close code, or the HTTP status of a refusal; and what was never answered. */
  readonly ended: (ending: string, unanswered: readonly Message[]) => void;
}

/** What of a publication does not arrive. */
export type Lost = 'command' | 'answer';

/** What the client listens by. */
type Ears = Pick<SocketLike, 'onopen'> & {
  readonly onopen: (() => void) | null;
  readonly onmessage: ((event: { readonly data: unknown }) => void) | null;
  readonly onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
};

/** What a broken connection ends with (RFC 6455 §7.1.5). */
const ABNORMAL = 1006;

/** What lies beneath a client: its sockets, one after the other, any of which can be destroyed without its knowing why. */
export class Cable {
  /** By this the client connects. */
  readonly Socket: SocketConstructor;
  readonly #options: CableOptions;
  #line: Line | undefined;
  #awayMs: number | undefined;
  #backAtMs = 0;

  constructor(options: CableOptions) {
    this.#options = options;
    const lay = (ears: Ears, url: string, protocols: string[]): Line =>
      this.#lay(ears, url, protocols);
    this.Socket = class implements SocketLike {
      onopen: (() => void) | null = null;
      onmessage: ((event: { readonly data: unknown }) => void) | null = null;
      onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null = null;
      onerror: (() => void) | null = null;
      readonly #line: Line;

      constructor(url: string, protocols: string[]) {
        this.#line = lay(this, url, protocols);
      }

      send(text: string): void {
        this.#line.send(text);
      }

      close(code?: number, reason?: string): void {
        this.#line.close(code, reason);
      }
    };
  }

  get link(): Link | undefined {
    return this.#line;
  }

  /** Destroys the socket, and lets none through for so long, if that is given. */
  cut(awayMs?: number): void {
    this.#awayMs = awayMs;
    this.#line?.terminate();
  }

  /** Destroys the socket in the place of the next command to publish, or of its answer. */
  cutInstead(of: Lost): void {
    this.#line?.cutInstead(of);
  }

  #lay(ears: Ears, url: string, protocols: string[]): Line {
    const { Socket, port, awayMs, tap } = this.#options;
    // One that the client has turned away from may take its time to end.
    this.#line?.forget();
    const address = new URL(url);
    address.port = String(port());
    const isAway = performance.now() < this.#backAtMs;
    const line = new Line(new Socket(address.href, protocols), ears, {
      ...tap,
      ended: (ending, unanswered) => {
        if (line.wasOpen) this.#backAtMs = performance.now() + (this.#awayMs ?? awayMs());
        this.#awayMs = undefined;
        tap.ended(isAway ? 'away' : ending, unanswered);
      },
    });
    this.#line = line;
    if (isAway) setImmediate(() => line.terminate());
    return line;
  }
}

/** One socket, as the client sees it and as it is. */
class Line implements Link {
  readonly #socket: SocketLike;
  readonly #ears: Ears;
  readonly #tap: Tap;
  readonly #asked = new Map<unknown, Message>();
  #state: 'opening' | 'open' | 'cut' | 'over' = 'opening';
  #loses: Lost | undefined;
  wasOpen = false;

  constructor(socket: SocketLike, ears: Ears, tap: Tap) {
    this.#socket = socket;
    this.#ears = ears;
    this.#tap = tap;
    let refusal: string | undefined;
    socket.onopen = () => {
      this.#state = 'open';
      this.wasOpen = true;
      ears.onopen?.();
    };
    // What was read in one go with the end of a socket is lost with it.
    socket.onmessage = ({ data }: { readonly data: unknown }) => {
      if (this.#state === 'open') this.#pass(data);
    };
    socket.onerror = ({ message }: { readonly message?: unknown }) => {
      refusal = refusalIn(String(message));
    };
    socket.onclose = (end: { readonly code: number; readonly reason: string }) => {
      // A stream can only be left, and what is left says goodbye.
      const { code, reason } = this.#state === 'cut' ? { code: ABNORMAL, reason: '' } : end;
      this.#end(refusal ?? String(code));
      ears.onclose?.({ code, reason });
    };
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  get isPaused(): boolean {
    return this.#socket instanceof WebSocket && this.#socket.isPaused;
  }

  pause(): void {
    if (this.#socket instanceof WebSocket) this.#socket.pause();
  }

  resume(): void {
    if (this.#socket instanceof WebSocket) this.#socket.resume();
  }

  terminate(): void {
    if (this.#state === 'over') return;
    this.#state = 'cut';
    if (this.#socket instanceof WebSocket) this.#socket.terminate();
    else this.#socket.close();
  }

  cutInstead(of: Lost): void {
    this.#loses = of;
  }

  send(text: string): void {
    const command: Message = { ...Object(JSON.parse(text)) };
    this.#asked.set(command['id'], command);
    if (this.#loses === 'command' && command['type'] === 'publish') return this.terminate();
    this.#socket.send(text);
    this.#tap.said(command);
  }

  close(code?: number, reason?: string): void {
    this.#socket.close(code, reason);
  }

  /** Nobody asks for its end any more. */
  forget(): void {
    this.#end('left');
  }

  #pass(data: unknown): void {
    const message: Message = { ...Object(JSON.parse(String(data))) };
    const { id } = message;
    const command = this.#asked.get(id);
    if (this.#loses === 'answer' && command?.['type'] === 'publish') return this.terminate();
    this.#asked.delete(id);
    this.#ears.onmessage?.({ data });
    this.#tap.told(message, command);
  }

  #end(ending: string): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#tap.ended(ending, [...this.#asked.values()]);
  }
}
