import type { Writable } from 'node:stream';

/** Where frames go, and when. */
export interface OutboxOptions {
  /** The stream that frames built once are written to. */
  readonly stream: Pick<Writable, 'write' | 'writableLength'>;
  /** Whether a frame that waited may still be written: time has passed since it was delivered. */
  readonly mayWrite: () => boolean;
  /** Most bytes that may be queued; `Infinity` for no limit. */
  readonly limitBytes: number;
  /** Told when a frame finds no room. */
  readonly onOverflow: () => void;
  /** Told when nothing waits any more, and the socket takes frames again. */
  readonly onDrain: () => void;
}

/**
 * Most bytes that are handed to the socket before it has sent them: they cannot be taken back, and
 * a close frame comes behind them. Not Node's own mark, which differs by version and with TLS.
 */
const MOST_IN_SOCKET_BYTES = 16_384;

/**
 * What one client is still owed. Frames go straight to the socket while it takes them and wait here
 * while it does not, up to a limit: one slow reader must cost neither the gateway its memory nor
 * anybody else their messages. What waits here, unlike what the socket holds, can be taken back.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #blocked = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Runs once per subscriber and message: nothing is allocated while the socket takes frames. */
  deliver(frame: Buffer): void {
    if (!this.#blocked) {
      this.#write(frame);
      return;
    }
    if (this.queuedBytes + frame.length > this.#options.limitBytes) {
      this.#options.onOverflow();
      return;
    }
    this.#waiting.push(frame);
    this.#waitingBytes += frame.length;
  }

  /** Bytes that the socket has accepted but not sent, and those that wait for it. */
  get queuedBytes(): number {
    return this.#options.stream.writableLength + this.#waitingBytes;
  }

  /** Whether a frame would go straight to the socket. */
  get takesFrames(): boolean {
    return !this.#blocked;
  }

  /** Forgets what waits. Returns the bytes that still lie in the socket. */
  clear(): number {
    this.#waiting = [];
    this.#waitingBytes = 0;
    return this.#options.stream.writableLength;
  }

  #write(frame: Buffer): void {
    const { stream } = this.#options;
    this.#blocked = stream.writableLength + frame.length >= MOST_IN_SOCKET_BYTES;
    if (this.#blocked) stream.write(frame, this.#resume);
    else stream.write(frame);
  }

  /** The socket has sent all it held. A field, so that nothing is bound per frame. */
  readonly #resume = (): void => {
    this.#blocked = false;
    let sent = 0;
    for (const frame of this.#waiting) {
      if (this.#blocked || !this.#options.mayWrite()) break;
      sent += 1;
      this.#waitingBytes -= frame.length;
      this.#write(frame);
    }
    this.#waiting.splice(0, sent);
    if (!this.#blocked && this.#waiting.length === 0) this.#options.onDrain();
  };
}
