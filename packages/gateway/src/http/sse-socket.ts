import type { ServerResponse } from 'node:http';
import { COMMENT, lastEvent } from '../session/event-frame.ts';
import type { Closing, Socket } from '../session/session.ts';

/** How long a client may take to read what it is sent last, before it is cut off. */
const CLOSE_TIMEOUT_MS = 3000;

/** What a session needs of an answer whose body are events. */
export class SseSocket implements Socket {
  readonly stream: ServerResponse;

  constructor(response: ServerResponse) {
    this.stream = response;
  }

  get isOpen(): boolean {
    return !this.stream.writableEnded && !this.stream.destroyed;
  }

  /** Nobody answers comments: it must do that the system has taken one, which it does while somebody reads. */
  ping(answered: () => void): void {
    this.stream.write(COMMENT, answered);
  }

  /** There is no close code to send: the last event says it all. */
  close(_code: number, failure: Closing): void {
    const late = setTimeout(() => this.terminate(), CLOSE_TIMEOUT_MS);
    late.unref();
    this.stream.once('close', () => clearTimeout(late));
    this.stream.end(lastEvent(failure));
  }

  terminate(): void {
    this.stream.destroy();
  }
}
