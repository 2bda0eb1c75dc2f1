import { Duplex } from 'node:stream';
import type { Socket } from '#gateway/session/session.js';

/** A client's end of a socket: what it was sent, and what was done to it. */
export class FakeSocket implements Socket {
  isOpen = true;
  readonly stream: Duplex;
  /** Every message, parsed. */
  readonly messages: unknown[] = [];
  /** All else that happened, in words. */
  readonly done: string[] = [];

  constructor() {
    this.stream = new Duplex({
      read: () => undefined,
      write: (frame: Buffer, _encoding, written) => {
        this.messages.push(JSON.parse(textOf(frame)));
        written();
      },
    });
  }

  ping(): void {
    this.done.push('ping');
  }

  close(code: number, reason: string): void {
    this.isOpen = false;
    this.done.push(`close ${code} ${reason}`);
  }

  terminate(): void {
    this.isOpen = false;
    this.done.push('terminate');
  }
}

/** The text of a whole text frame, as servers send them (RFC 6455 §5.2). */
function textOf(frame: Buffer): string {
  const short = frame.readUInt8(1);
  const start = short < 126 ? 2 : short === 126 ? 4 : 10;
  return frame.toString('utf8', start);
}
