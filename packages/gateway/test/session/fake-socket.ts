import { Duplex } from 'node:stream';
import type { Closing, Socket } from '#gateway/session/session.js';

/** A client's end of a socket: what it was sent, and what was done to it. */
export class FakeSocket implements Socket {
  isOpen = true;
  /** Whether its client reads what it is sent. */
  reads = true;
  #unread: (() => void) | undefined;
  readonly stream: Duplex;
  /** Every message, parsed. */
  readonly messages: unknown[] = [];
  /** All else that happened, in words. */
  readonly done: string[] = [];

  constructor() {
    this.stream = new Duplex({
      read: () => undefined,
      write: (frame: Buffer, _encoding, written) => {
        this.messages.push(...textsOf(frame).map((text): unknown => JSON.parse(text)));
        if (this.reads) written();
        else this.#unread = written;
      },
    });
  }

  /** Its client reads what it was sent, and goes on or not. */
  read(goesOn: boolean): void {
    const written = this.#unread;
    this.#unread = undefined;
    this.reads = goesOn;
    written?.();
  }

  ping(): void {
    this.done.push('ping');
  }

  close(code: number, { reason }: Closing): void {
    this.isOpen = false;
    this.done.push(`close ${code} ${reason}`);
  }

  terminate(): void {
    this.isOpen = false;
    this.done.push('terminate');
  }
}

/** The texts of whole text frames, as servers send them (RFC 6455 §5.2). */
function textsOf(frames: Buffer): readonly string[] {
  if (frames.length === 0) return [];
  const short = frames.readUInt8(1);
  const start = short < 126 ? 2 : short === 126 ? 4 : 10;
  const length =
    start === 2 ? short : start === 4 ? frames.readUInt16BE(2) : Number(frames.readBigUInt64BE(2));
  const end = start + length;
  return [frames.toString('utf8', start, end), ...textsOf(frames.subarray(end))];
}
