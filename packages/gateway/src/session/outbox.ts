import type { Writable } from 'node:stream';
import { Queue } from '../queue.ts';
import type { Flusher, Owed } from './flusher.ts';
import type { Run } from './run.ts';

/** Whose outbox it is. */
export interface Sender {
  /** Whether anything may still be written: time passes between what is delivered and its write. */
  readonly mayWrite: boolean;
  /** A frame found no room. */
  overflowed(): void;
  /** Nothing waits any more, and the socket takes frames again. */
  drained(): void;
}

/** Where frames go, and when. */
export interface OutboxOptions {
  /** The stream that frames built once are written to. */
  readonly stream: Pick<Writable, 'write' | 'writableLength'>;
  /** Has frames written at the end of the turn. */
  readonly flusher: Pick<Flusher, 'add' | 'none'>;
  /** Most bytes that may be queued; `Infinity` for no limit. */
  readonly limitBytes: number;
}

/**
 * Most bytes that are handed to the socket before it has sent them: they cannot be taken back, and
 * a close frame comes behind them. Not Node's own mark, which differs by version and with TLS.
 */
const MOST_IN_SOCKET_BYTES = 16_384;

/**
 * What one client is still owed. Frames are gathered for the turn of the event loop and written at its end, as
 * one; while the socket does not take them they wait here, up to a limit: one slow reader must cost neither the
 * gateway its memory nor anybody else their messages. What waits here, unlike what the socket holds, can be
 * taken back.
 */
export class Outbox implements Owed {
  readonly #sender: Sender;
  readonly #stream: OutboxOptions['stream'];
  readonly #flusher: OutboxOptions['flusher'];
  readonly #limitBytes: number;
  /** What is written next. */
  #run: Run;
  /** What comes after it; undefined: nothing ever has. */
  #waiting: Queue<Buffer> | undefined;
  #waitingBytes = 0;
  #blocked = false;
  /** Writes of which the socket has yet to say that they are sent. */
  #awaited = 0;

  constructor(sender: Sender, { stream, flusher, limitBytes }: OutboxOptions) {
    this.#sender = sender;
    this.#stream = stream;
    this.#flusher = flusher;
    this.#limitBytes = limitBytes;
    this.#run = flusher.none;
  }

  /** Runs once per subscriber and message: nothing is allocated while the socket takes frames. */
  deliver(frame: Buffer): void {
    // A burst of more than that must not wait for the end of the turn: all of it would count as unread.
    if (this.#run.bytes + frame.length > MOST_IN_SOCKET_BYTES) this.flush();
    if (this.#mustWait) {
      this.#wait(frame);
      return;
    }
    const isFirst = this.#run.bytes === 0;
    this.#run = this.#run.with(frame);
    if (isFirst) this.#flusher.add(this);
  }

  /** Bytes that the socket has accepted but not sent, and those that wait for it. */
  get queuedBytes(): number {
    return this.#stream.writableLength + this.#run.bytes + this.#waitingBytes;
  }

  /** Whether a frame would go to the socket at the end of this turn. */
  get takesFrames(): boolean {
    return !this.#mustWait && this.#run.bytes < MOST_IN_SOCKET_BYTES;
  }

  /** Writes what was gathered, before something else is written to the socket. */
  flush(): void {
    const run = this.#run;
    if (run.bytes === 0) return;
    this.#run = this.#flusher.none;
    if (this.#sender.mayWrite) this.#write(run.buffer);
  }

  /** Forgets what is not written. Returns the bytes that still lie in the socket. */
  clear(): number {
    this.#run = this.#flusher.none;
    this.#waiting = undefined;
    this.#waitingBytes = 0;
    return this.#stream.writableLength;
  }

  get #mustWait(): boolean {
    return this.#blocked || this.#waitingBytes > 0;
  }

  #wait(frame: Buffer): void {
    if (this.queuedBytes + frame.length > this.#limitBytes) {
      this.#sender.overflowed();
      return;
    }
    this.#waiting ??= new Queue();
    this.#waiting.push(frame);
    this.#waitingBytes += frame.length;
  }

  #write(bytes: Buffer): void {
    const stream = this.#stream;
    if (stream.writableLength + bytes.length < MOST_IN_SOCKET_BYTES) {
      stream.write(bytes);
      return;
    }
    this.#awaited += 1;
    stream.write(bytes, () => this.#resume());
    this.#blocked = this.#isSocketFull;
  }

  /** What the system has taken at once does not lie in the socket any more. */
  get #isSocketFull(): boolean {
    return this.#stream.writableLength >= MOST_IN_SOCKET_BYTES;
  }

  /** The socket has sent some of what it held. */
  #resume(): void {
    this.#awaited -= 1;
    this.#blocked = this.#isSocketFull;
    while (this.#waitingBytes > 0 && !this.#blocked) {
      this.#refill();
      this.flush();
    }
    if (this.#awaited === 0 && this.takesFrames && this.#sender.mayWrite) this.#sender.drained();
  }

  /** Gathers what waited longest. */
  #refill(): void {
    for (let frame = this.#waiting?.at(0); frame !== undefined; frame = this.#waiting?.at(0)) {
      const bytes = this.#run.bytes + frame.length;
      if (this.#run.bytes > 0 && bytes > MOST_IN_SOCKET_BYTES) return;
      this.#run = this.#run.with(frame);
      this.#waiting?.shift();
      this.#waitingBytes -= frame.length;
    }
  }
}
