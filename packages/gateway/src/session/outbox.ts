import type { Duplex } from 'node:stream';

/** Where frames go. */
export interface Sink {
  /** False as soon as either side has begun to close: nothing may follow a close frame. */
  readonly isOpen: boolean;
  /** The stream below the WebSocket, which frames built once are written to. */
  readonly stream: Duplex;
}

/**
 * What one client is still owed. Frames go straight to the socket while it takes them and wait here
 * while it does not, up to a limit: one slow reader must cost neither the gateway its memory nor
 * anybody else their messages. What waits here, unlike what the socket holds, can be taken back.
 */
export class Outbox {
  readonly #sink: Sink;
  readonly #limitBytes: number;
  readonly #onOverflow: () => void;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #blocked = false;
  #open = true;

  /** `limitBytes`: most that may be queued; `Infinity` for no limit. */
  constructor(sink: Sink, limitBytes: number, onOverflow: () => void) {
    this.#sink = sink;
    this.#limitBytes = limitBytes;
    this.#onOverflow = onOverflow;
  }

  /** Runs once per subscriber and message: nothing is allocated while the socket takes frames. */
  deliver(frame: Buffer): void {
    if (!this.#open || !this.#sink.isOpen) return;
    if (!this.#blocked) {
      if (!this.#sink.stream.write(frame)) this.#block();
      return;
    }
    if (this.queuedBytes + frame.length > this.#limitBytes) {
      this.#onOverflow();
      return;
    }
    this.#waiting.push(frame);
    this.#waitingBytes += frame.length;
  }

  /** Bytes that the socket has accepted but not sent, and those that wait for it. */
  get queuedBytes(): number {
    return this.#sink.stream.writableLength + this.#waitingBytes;
  }

  /** Takes nothing more and forgets what waits. Returns the bytes that still lie in the socket. */
  close(): number {
    this.#open = false;
    this.#waiting = [];
    this.#waitingBytes = 0;
    return this.#sink.stream.writableLength;
  }

  #block(): void {
    this.#blocked = true;
    this.#sink.stream.once('drain', () => this.#resume());
  }

  #resume(): void {
    this.#blocked = false;
    if (!this.#sink.isOpen) return;
    let sent = 0;
    for (const frame of this.#waiting) {
      sent += 1;
      this.#waitingBytes -= frame.length;
      if (this.#sink.stream.write(frame)) continue;
      this.#block();
      break;
    }
    this.#waiting.splice(0, sent);
  }
}
