import type { Duplex } from 'node:stream';
import type { Failure } from '@postern/client/protocol';
import { failures } from '@postern/client/protocol';
import type { Claims } from '../auth/verify.ts';
import type { Grant } from '../auth/grant.ts';
import type { Clock, Deadline } from './deadline.ts';
import { isOver } from './deadline.ts';
import { Outbox } from './outbox.ts';
import { RateLimit } from './rate-limit.ts';
import type { Rate } from './rate-limit.ts';

/** What a session needs of a WebSocket. */
export interface Socket {
  /** False as soon as either side has begun to close: nothing may follow a close frame. */
  readonly isOpen: boolean;
  /** The stream below, which frames built once are written to. */
  readonly stream: Duplex;
  ping(): void;
  /** Starts the closing handshake; the other side has three seconds before it is cut off. */
  close(code: number, reason: string): void;
  /** Cuts the connection off at once. */
  terminate(): void;
}

/** A failure that ends an open connection. */
export type Closing = Failure & { readonly close: number };

/** What an authorised connection is made of. */
export interface SessionOptions {
  readonly id: string;
  readonly socket: Socket;
  readonly grant: Grant;
  readonly claims: Claims;
  readonly deadline: Deadline;
  /** What the session is ended for at its deadline: its token's end, or its own maximum age. */
  readonly deadlineFailure: Closing;
  readonly clock: Clock;
  /** Most bytes that may be queued for the client; `Infinity` for no limit. */
  readonly queueBytes: number;
  /** How many frames may come from the client. */
  readonly rate: Rate;
  /** A message of the client's, while the session is open. */
  readonly onMessage: (session: Session, data: Buffer) => void;
  /** Called exactly once, however the session ended. */
  readonly onEnd: (session: Session, close: Close) => void;
}

/** How a session ended. */
export interface Close {
  /** WebSocket close code; 1006 when the connection broke without one. */
  readonly code: number;
  /** Whose doing it was. */
  readonly by: 'gateway' | 'client';
}

/** Behind this much unsent data a close frame would come too late: cut off at once. */
const LONGEST_QUEUE_BEFORE_CLOSE_FRAME = 65_536;

/** Pings that may go unanswered. */
const PINGS_UNANSWERED = 2;

/** Close code for a connection that broke (RFC 6455 §7.1.5). */
const ABNORMAL = 1006;

/**
 * One authorised connection. Whatever it reads or is sent passes here and is first held against the
 * deadline, so that a client that ignores its close frame can neither read nor write after it.
 */
export class Session {
  readonly id: string;
  readonly grant: Grant;
  readonly claims: Claims;
  readonly deadline: Deadline;
  /** Messages of a client that may not write: counted, and never answered. */
  ignored = 0;
  /** Bytes of its messages that PostgreSQL has not answered for. */
  unsettledBytes = 0;
  readonly #options: SessionOptions;
  readonly #outbox: Outbox;
  readonly #rateLimit: RateLimit;
  #open = true;
  #pingsUnanswered = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.id = options.id;
    this.grant = options.grant;
    this.claims = options.claims;
    this.deadline = options.deadline;
    this.#rateLimit = new RateLimit(options.rate, options.clock.monotonicMs());
    this.#outbox = new Outbox({
      stream: options.socket.stream,
      mayWrite: () => this.#isOpen(),
      limitBytes: options.queueBytes,
      onOverflow: () => this.end(failures.slowConsumer),
    });
  }

  /** Sends one frame. Runs once per subscriber and message: see `docs/architecture.md`, hot path. */
  deliver(frame: Buffer): void {
    if (this.#isOpen()) this.#outbox.deliver(frame);
  }

  /** Bytes that wait for the client to read them. */
  get queuedBytes(): number {
    return this.#outbox.queuedBytes;
  }

  /** Takes one message of the client's. */
  receive(data: Buffer): void {
    if (this.#isOpen() && this.#mayCome()) this.#options.onMessage(this, data);
  }

  /** A ping came, which `ws` answers: it costs what a message costs. */
  pinged(): void {
    if (this.#isOpen()) this.#mayCome();
  }

  /** The deadline has come. */
  expire(): void {
    this.end(this.#options.deadlineFailure);
  }

  /** Ends the session on purpose: cut off first, then said. Harmless when it has ended already. */
  end(failure: Closing): void {
    if (!this.#open) return;
    const { socket } = this.#options;
    const queuedBytes = this.#leave({ code: failure.close, by: 'gateway' });

    if (queuedBytes > LONGEST_QUEUE_BEFORE_CLOSE_FRAME) socket.terminate();
    else socket.close(failure.close, failure.reason);
  }

  /** The connection is gone: the client closed it, or it broke. */
  lose(code: number): void {
    if (this.#open) this.#leave({ code, by: 'client' });
  }

  /** Pings; a client that has answered none of two pings is cut off. */
  beat(): void {
    if (this.#pingsUnanswered >= PINGS_UNANSWERED) {
      if (this.#open) this.#leave({ code: ABNORMAL, by: 'gateway' });
      this.#options.socket.terminate();
      return;
    }
    this.#pingsUnanswered += 1;
    this.#options.socket.ping();
  }

  /** A pong came. */
  alive(): void {
    this.#pingsUnanswered = 0;
    if (this.#isOpen()) this.#mayCome();
  }

  /** Whether one more frame may come; whoever has gone too far is ended. */
  #mayCome(): boolean {
    const may = this.#rateLimit.take(this.#options.clock.monotonicMs());
    if (!may) this.end(failures.rateLimited);
    return may;
  }

  #isOpen(): boolean {
    if (this.#open && isOver(this.deadline, this.#options.clock)) this.expire();
    return this.#open && this.#options.socket.isOpen;
  }

  #leave(close: Close): number {
    this.#open = false;
    const queuedBytes = this.#outbox.clear();
    this.#options.onEnd(this, close);
    return queuedBytes;
  }
}
