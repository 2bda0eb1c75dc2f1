import type { Writable } from 'node:stream';
import type { Failure, FailureCode } from '@postern/client/protocol';
import { failures } from '@postern/client/protocol';
import type { Claims } from '../auth/verify.ts';
import type { EndingLabel } from '../observe/labels.ts';
import { closeCodeLabel, endingLabel } from '../observe/labels.ts';
import type { CloseCodeOf } from './close-codes.ts';
import type { Clock, Deadline } from './deadline.ts';
import { isOver } from './deadline.ts';
import type { Flusher } from './flusher.ts';
import { Outbox } from './outbox.ts';
import type { Sender } from './outbox.ts';
import { RateLimit } from './rate-limit.ts';
import type { Rate } from './rate-limit.ts';
import type { Standing } from './standing.ts';

/** What a session needs of a connection: of a WebSocket, or of an answer that goes on. */
export interface Socket {
  /** False as soon as either side has begun to close: nothing may follow a close frame. */
  readonly isOpen: boolean;
  /** The stream below, which frames built once are written to. */
  readonly stream: Sink;
  /** Asks for a sign of life. `answered` is called for one that comes by nothing else. */
  ping(answered: () => void): void;
  /** Says the end, by this code, and why; the other side has three seconds before it is cut off. */
  close(code: number, failure: Closing): void;
  /** Cuts the connection off at once. */
  terminate(): void;
}

/** Where bytes for a client go. */
export type Sink = Pick<Writable, 'write' | 'writableLength'>;

/** Who takes what comes out of a WebSocket: a session, or what may become one. */
export interface Recipient {
  /** The session's, for the log; undefined as long as there is none. */
  readonly id: string | undefined;
  /** A message came. */
  receive(data: Buffer, kind: MessageKind): void;
  /** A ping came. It is answered if the connection is still open then. */
  pinged(): void;
  /** A pong came. */
  alive(): void;
  /** Ends the connection on purpose. Harmless when it has ended already. */
  end(failure: Closing): void;
  /** The connection is gone. */
  lose(code: number): void;
}

/** The protocols that clients speak. */
export type ProtocolName = 'raw' | 'v1' | 'sse';

/** A failure that ends an open connection. */
export type Closing = Failure & { readonly close: number; readonly code?: FailureCode };

/** What the frames of a message were marked as. */
export type MessageKind = 'text' | 'binary';

/** How a message stands to the rate: within it, or over it by as much as can still be answered. */
export type Pace = 'within' | 'over';

/** What an authorised connection is made of. */
export interface SessionOptions<Granted> extends Standing<Granted> {
  readonly id: string;
  readonly protocol: ProtocolName;
  readonly socket: Socket;
  readonly clock: Clock;
  readonly closeCodeOf: CloseCodeOf;
  readonly flusher: Pick<Flusher, 'add' | 'none'>;
  /** Most bytes that may be queued for the client; `Infinity` for no limit. */
  readonly queueBytes: number;
  /** How many frames may come from the client. */
  readonly rate: Rate;
  /** How many more may come and be answered as too many; undefined: whoever goes over the rate is ended. */
  readonly excessRate: Rate | undefined;
  /** Takes a message of the client's, while the session is open. */
  readonly onMessage: (data: Buffer, kind: MessageKind, pace: Pace) => void;
  /** Called when the client has read what waited for it, and more may follow. */
  readonly onDrain: () => void;
  /** Called exactly once, however the session ended. */
  readonly onEnd: (close: Close) => void;
}

/** How a session ended. */
export interface Close {
  /** WebSocket close code; 1006 when the connection broke without one. */
  readonly code: number;
  /** Whose doing it was. */
  readonly by: 'gateway' | 'client';
  /**
   * The name of the failure, whichever code stands for it here; of a client's own close what its code
   * would be. `abnormal` and `noStatus` when there was no close frame, or none with a code.
   */
  readonly failure: EndingLabel;
}

/** Behind this much unsent data a close frame would come too late: cut off at once. */
const LONGEST_QUEUE_BEFORE_CLOSE_FRAME = 65_536;

/** Pings that may go unanswered. */
const PINGS_UNANSWERED = 2;

/** Close code for a connection that broke, or was closed without a word (RFC 6455 §7.1.5). */
export const ABNORMAL = 1006;

/**
 * One authorised connection. Whatever it reads or is sent passes here and is first held against the
 * deadline, so that a client that ignores its close frame can neither read nor write after it. What it
 * may do is its protocol's to know.
 */
export class Session<Granted = unknown> implements Recipient, Sender {
  readonly id: string;
  readonly protocol: ProtocolName;
  /** Messages of a client that may not write: counted, and never answered. */
  ignored = 0;
  /** Bytes of its messages that PostgreSQL has not answered for. */
  unsettledBytes = 0;
  readonly #closeCodeOf: CloseCodeOf;
  readonly #onMessage: SessionOptions<Granted>['onMessage'];
  readonly #onDrain: SessionOptions<Granted>['onDrain'];
  readonly #onEnd: SessionOptions<Granted>['onEnd'];
  readonly #excessRate: Rate | undefined;
  // At hand, since they are asked before each write.
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #outbox: Outbox;
  readonly #rateLimit: RateLimit;
  /** Made when there is an excess. */
  #excessLimit: RateLimit | undefined;
  #standing: Standing<Granted>;
  #deadline: Deadline;
  #open = true;
  #pingsUnanswered = 0;

  constructor(options: SessionOptions<Granted>) {
    // Taken apart: kept as they came, most of the options would be there twice.
    const { claims, grant, expiresAt, deadline, deadlineFailure } = options;
    this.#closeCodeOf = options.closeCodeOf;
    this.#onMessage = options.onMessage;
    this.#onDrain = options.onDrain;
    this.#onEnd = options.onEnd;
    this.#excessRate = options.excessRate;
    this.#socket = options.socket;
    this.#clock = options.clock;
    this.id = options.id;
    this.protocol = options.protocol;
    this.#standing = { claims, grant, expiresAt, deadline, deadlineFailure };
    this.#deadline = deadline;
    this.#rateLimit = new RateLimit(options.rate, options.clock.monotonicMs());
    this.#outbox = new Outbox(this, {
      stream: options.socket.stream,
      flusher: options.flusher,
      limitBytes: options.queueBytes,
    });
  }

  /** What it may do. */
  get grant(): Granted {
    return this.#standing.grant;
  }

  /** What its client has shown. */
  get claims(): Claims {
    return this.#standing.claims;
  }

  /** The end of what its client has shown, in UNIX seconds; undefined: never. */
  get expiresAt(): number | undefined {
    return this.#standing.expiresAt;
  }

  /** Its own end. */
  get deadline(): Deadline {
    return this.#deadline;
  }

  /** Whether it goes on at its deadline with another token: otherwise it has reached its greatest age. */
  get endsWithToken(): boolean {
    return this.#standing.deadlineFailure === failures.tokenExpired;
  }

  /** Whether anything may still go out or come in. Held against the deadline, which ends it when it has come. */
  get isOpen(): boolean {
    if (this.#open && isOver(this.#deadline, this.#clock)) this.expire();
    return this.#open && this.#socket.isOpen;
  }

  /**
   * Whether a frame may be written now. Held against the deadline, too, but whoever is over is left to the
   * wheel: a broadcast must not end a hundred thousand of them in one go.
   */
  get mayWrite(): boolean {
    return this.#open && !isOver(this.#deadline, this.#clock) && this.#socket.isOpen;
  }

  /** From now on its client has shown something else. What is over stays over: see {@link isOpen}. */
  renew(standing: Standing<Granted>): void {
    this.#standing = standing;
    this.#deadline = standing.deadline;
  }

  /** Sends one frame. Runs once per subscriber and message: see `docs/architecture.md`, hot path. */
  deliver(frame: Buffer): void {
    if (this.#open) this.#outbox.deliver(frame);
  }

  /** More waits for the client than may. */
  overflowed(): void {
    if (this.isOpen) this.end(failures.slowConsumer);
  }

  /** The client has read what waited for it. */
  drained(): void {
    this.#onDrain();
  }

  /** Bytes that wait for the client to read them. */
  get queuedBytes(): number {
    return this.#outbox.queuedBytes;
  }

  /** Whether its client takes more at once: what is not urgent can wait for that. */
  get takesFrames(): boolean {
    return this.isOpen && this.#outbox.takesFrames;
  }

  /** Takes one message of the client's. */
  receive(data: Buffer, kind: MessageKind): void {
    if (!this.isOpen) return;
    const pace = this.#pace();
    if (pace !== 'too far') this.#onMessage(data, kind, pace);
  }

  /** A ping came: it costs what a message costs. */
  pinged(): void {
    if (this.isOpen && this.#pace() !== 'too far') this.#outbox.flush();
  }

  /** The deadline has come. */
  expire(): void {
    this.end(this.#standing.deadlineFailure);
  }

  /** Ends the session on purpose: cut off first, then said. Harmless when it has ended already. */
  end(failure: Closing): void {
    if (!this.#open) return;
    this.#outbox.flush();
    const socket = this.#socket;
    const code = this.#closeCodeOf(failure);
    const queuedBytes = this.#leave({ code, by: 'gateway', failure: endingLabel(failure) });

    if (queuedBytes > LONGEST_QUEUE_BEFORE_CLOSE_FRAME) socket.terminate();
    else socket.close(code, failure);
  }

  /** The connection is gone: the client closed it, or it broke. */
  lose(code: number): void {
    if (this.#open) this.#leave({ code, by: 'client', failure: closeCodeLabel(code) });
  }

  /** Pings; a client that has answered none of two pings is cut off. */
  beat(): void {
    if (this.#pingsUnanswered >= PINGS_UNANSWERED) {
      if (this.#open) this.#leave({ code: ABNORMAL, by: 'gateway', failure: 'abnormal' });
      this.#socket.terminate();
      return;
    }
    this.#pingsUnanswered += 1;
    this.#outbox.flush();
    this.#socket.ping(() => this.#answered());
  }

  /** A pong came. */
  alive(): void {
    this.#answered();
    if (this.isOpen) this.#pace();
  }

  #answered(): void {
    this.#pingsUnanswered = 0;
  }

  /** How one more frame stands to the rate; whoever has gone too far is ended. */
  #pace(): Pace | 'too far' {
    const nowMs = this.#clock.monotonicMs();
    if (this.#rateLimit.take(nowMs)) return 'within';
    this.#excessLimit ??= this.#excessRate && new RateLimit(this.#excessRate, nowMs);
    if (this.#excessLimit?.take(nowMs) === true) return 'over';
    this.end(failures.rateLimited);
    return 'too far';
  }

  #leave(close: Close): number {
    this.#open = false;
    const queuedBytes = this.#outbox.clear();
    this.#onEnd(close);
    return queuedBytes;
  }
}
