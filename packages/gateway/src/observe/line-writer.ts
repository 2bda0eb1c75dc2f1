import { writeSync } from 'node:fs';

/** Takes some of the bytes, at least one, and says how many. Throws when it can take none just now. */
export type Write = (bytes: Buffer) => number;

/** How lines are written. */
export interface LineWriterOptions {
  readonly write: Write;
  /** Told how many lines were lost, once there is room for a line again. */
  readonly onDropped: (lines: number) => void;
  /** Most bytes that wait for room; 1 MiB by default: some 4,000 lines. */
  readonly limitBytes?: number;
}

const LIMIT_BYTES = 1_048_576;

/** The first wait for room: short, as whoever reads a pipe empties it in no time. */
const FIRST_WAIT_MS = 10;
const LONGEST_WAIT_MS = 500;

/** How long the last lines may hold up the end of the process. */
const FLUSH_MS = 500;

/**
 * Writes lines at once while there is room for them, so that none is lost at whatever end, and keeps
 * them while there is none: a full disk or a pipe that nobody reads must not stop the gateway. What
 * is beyond the limit is lost and counted. A pipe whose reader is gone never comes back: from then
 * on everything is lost.
 */
export class LineWriter {
  readonly #options: LineWriterOptions;
  readonly #limitBytes: number;
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #dropped = 0;
  #readerGone = false;
  #retry: NodeJS.Timeout | undefined;
  #waitMs = FIRST_WAIT_MS;

  constructor(options: LineWriterOptions) {
    this.#options = options;
    this.#limitBytes = options.limitBytes ?? LIMIT_BYTES;
  }

  /** Writes a line, which ends with its line feed. Neither throws nor blocks. */
  write(line: string): void {
    if (this.#readerGone) return;
    const bytes = Buffer.from(line);
    const isFirst = this.#waiting.length === 0;
    // Nothing in between: a gap in the log is to be one gap, and to be counted behind it.
    if (!isFirst && (this.#dropped > 0 || this.#waitingBytes + bytes.length > this.#limitBytes)) {
      this.#dropped += 1;
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (!isFirst || this.#pour()) return;
    process.on('exit', this.#flush);
    this.#retryLater();
  }

  /** Writes what waits. True when nothing waits any more. */
  #pour(): boolean {
    try {
      for (let [first] = this.#waiting; first !== undefined; [first] = this.#waiting) {
        const taken = this.#options.write(first);
        this.#waitingBytes -= taken;
        this.#waitMs = FIRST_WAIT_MS;
        if (taken === first.length) this.#waiting.shift();
        else this.#waiting[0] = first.subarray(taken);
      }
    } catch (error) {
      this.#readerGone = error instanceof Error && 'code' in error && error.code === 'EPIPE';
      if (this.#readerGone) this.#waiting.length = 0;
    }
    return this.#waiting.length === 0;
  }

  #retryLater(): void {
    this.#retry = setTimeout(() => {
      if (this.#pour()) this.#drained();
      else this.#retryLater();
    }, this.#waitMs).unref();
    this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS);
  }

  #drained(): void {
    clearTimeout(this.#retry);
    process.off('exit', this.#flush);
    const dropped = this.#dropped;
    this.#dropped = 0;
    if (dropped > 0) this.#options.onDropped(dropped);
  }

  /** The process ends: the last lines say why. A field, so that it can be taken off again. */
  readonly #flush = (): void => {
    const endMs = performance.now() + FLUSH_MS;
    while (!this.#pour() && performance.now() < endMs) sleepWithoutTheLoop(FIRST_WAIT_MS);
    if (this.#waiting.length === 0) this.#drained();
  };
}

/** A way to standard output that never waits, if it is a pipe or a socket. */
export function standardOutput(): Write {
  // Node makes pipes and sockets non-blocking as soon as anybody asks for this, and blocking again,
  // for those who share them, at its end. Files and terminals take everything at once, or fail.
  const { fd } = process.stdout;
  return (bytes) => writeSync(fd, bytes);
}

/** At the end of the process no timer fires any more. */
function sleepWithoutTheLoop(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
