import { WebSocket } from 'ws';

import { forgeToken } from '../support/tokens.ts';

/** How a connection ended, or why there was none: a close code, an HTTP status, an error's code. */
export type Ending = string;

/** A client that counts instead of remembering: thousands of them fit into one process. */
export class Visitor {
  readonly #socket: WebSocket;
  /** Text messages that came. */
  received = 0;

  /**
   * Connects. `onOpen` is told when it is in, and `onEnd` once, whether it ever was or not.
   */
  constructor(
    port: number,
    claims: Readonly<Record<string, unknown>>,
    told: {
      readonly onOpen: (visitor: Visitor) => void;
      readonly onEnd: (visitor: Visitor, ending: Ending) => void;
    },
  ) {
    const url = `ws://127.0.0.1:${port}/${forgeToken({ payload: claims })}`;
    this.#socket = new WebSocket(url, { perMessageDeflate: false });
    let why: Ending | undefined;
    let isOver = false;
    const end = (ending: Ending): void => {
      if (!isOver) told.onEnd(this, ending);
      isOver = true;
    };
    this.#socket.on('open', () => told.onOpen(this));
    this.#socket.on('message', () => (this.received += 1));
    // Who listens for this has to end the request, and hears of no `close` then.
    this.#socket.on('unexpected-response', (request, { statusCode }) => {
      request.destroy();
      end(`HTTP ${statusCode}`);
    });
    this.#socket.on('error', (error) => {
      why ??= 'code' in error ? String(error.code) : error.message;
    });
    this.#socket.on('close', (code) => end(why ?? String(code)));
  }

  send(text: string): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  /** Leaves in good order. */
  leave(): void {
    this.#socket.close(1000);
  }

  /** Drops the connection without a goodbye. */
  drop(): void {
    this.#socket.terminate();
  }
}
