import { failures } from '@postern/client/protocol';
import type { Log } from '../observe/log.ts';
import type { Closing, MessageKind, Recipient } from '../session/session.ts';

/** What a wire does by itself with a WebSocket. */
interface Answering {
  readonly readyState: number;
  readonly OPEN: number;
  pong(data: Buffer, mask: boolean, sent: () => void): void;
  terminate(): void;
}

/** What `ws` finds wrong in frames, by its own codes; whatever else it finds is `protocolError`. */
const violations = new Map<unknown, Closing>([
  ['WS_ERR_INVALID_UTF8', failures.invalidText],
  ['WS_ERR_TOO_MANY_BUFFERED_PARTS', failures.tooManyFragments],
  ['WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH', failures.messageTooBig],
  ['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', failures.messageTooBig],
]);

/** Pongs that may wait for a client which sends pings and reads nothing: as many as `ws` would keep. */
const MOST_PONGS_WAITING = 60;

/** What comes out of one WebSocket, on its way to whoever takes it. */
export class Wire {
  readonly #webSocket: Answering;
  readonly #recipient: Recipient;
  readonly #log: Log;
  #pongsWaiting = 0;

  constructor(webSocket: Answering, recipient: Recipient, log: Log) {
    this.#webSocket = webSocket;
    this.#recipient = recipient;
    this.#log = log;
  }

  message(data: Buffer, kind: MessageKind): void {
    try {
      this.#recipient.receive(data, kind);
    } catch (error) {
      // A bug, and it must cost nobody else their connection.
      this.#log('message_failed', { session: this.#recipient.id, error });
      this.#recipient.end(failures.internal);
    }
  }

  /**
   * Answers a ping, once the recipient has had its say. `ws` would answer each by itself before anybody hears of
   * it: one whose time is over too, until somebody looks at the clock.
   */
  pinged(data: Buffer): void {
    this.#recipient.pinged();
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) return;
    if (this.#pongsWaiting >= MOST_PONGS_WAITING) {
      this.#webSocket.terminate();
      return;
    }
    this.#pongsWaiting += 1;
    this.#webSocket.pong(data, false, () => void (this.#pongsWaiting -= 1));
  }

  alive(): void {
    this.#recipient.alive();
  }

  closed(code: number): void {
    this.#recipient.lose(code);
  }

  failed(error: Error): void {
    this.#log('socket_error', { session: this.#recipient.id, error });
    // `ws` has sent the close frame, with the same code: here the session learns of it.
    const code = 'code' in error ? error.code : undefined;
    this.#recipient.end(violations.get(code) ?? failures.protocolError);
  }
}
