import { AUTH_SECONDS, failures, parseCommand } from '@postern/client/protocol';
import type { AuthCommand, FailureCode } from '@postern/client/protocol';
import type { Claims } from '../auth/verify.ts';
import { Registry } from '../hub/registry.ts';
import type { Log } from '../observe/log.ts';
import type { Admit, V1Visitor } from './admission.ts';
import type { CloseCodeOf } from './close-codes.ts';
import type { Clock, Deadline } from './deadline.ts';
import { deadlineAt, isOver } from './deadline.ts';
import type { ExpiryWheel, Mortal } from './expiry.ts';
import { RateLimit } from './rate-limit.ts';
import type { Rate } from './rate-limit.ts';
import type { Closing, MessageKind, Recipient, Session, Socket } from './session.ts';
import { send } from './reply.ts';

/** Why a connection does not become a session. */
export interface Denial {
  readonly failure: Closing;
  /** Which of the failure's codes, where it is a finer one. For the log, as what follows. */
  readonly code?: FailureCode;
  readonly text?: string;
  /** What a signed token says of its holder. */
  readonly claims?: Claims | undefined;
}

/** Whom a connection that waits has to do with: the door. */
export interface Reception {
  /**
   * Decides about a token. It must answer in bounded time, and look once more, last of all, whether
   * anybody may enter: between its answer and the session nothing else is asked.
   */
  readonly authorize: (token: string) => Promise<V1Visitor | Denial>;
  /** Told, once, that the gateway has ended the connection before it was a session. */
  readonly denied: (denial: Denial) => void;
}

/** The parts that waiting takes. */
export interface AuthWaitOptions {
  readonly clock: Clock;
  /** Finds those who say nothing. */
  readonly wheel: ExpiryWheel;
  readonly admit: Admit;
  /** How many frames may come from a client, pings and pongs being the only ones. */
  readonly rate: Rate;
  readonly closeCodeOf: CloseCodeOf;
  readonly log: Log;
}

/**
 * The connections that brought no credential, and have a few seconds to show one in an `auth`. None of
 * them is a session: nothing is delivered to it, and nobody counts it as present.
 */
export class AuthWait {
  readonly #options: AuthWaitOptions;
  readonly #waiting = new Registry<WaitingConnection>();

  constructor(options: AuthWaitOptions) {
    this.#options = options;
  }

  /** Begins to wait. All that comes from the socket goes to what is returned, before and after. */
  add(socket: Socket, reception: Reception): Recipient {
    const { wheel } = this.#options;
    const leave = (): void => {
      this.#waiting.remove(connection);
      wheel.remove(connection);
    };
    const connection = new WaitingConnection({ ...this.#options, socket, reception, leave });
    this.#waiting.add(connection);
    wheel.add(connection);
    return connection;
  }

  /** How many wait, for their client or for the answer to its token. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Ends all of them. */
  endAll(failure: Closing): void {
    for (const connection of this.#waiting.all()) connection.end(failure);
  }
}

/** One of them: what it waits with, and how it is taken out of the list. */
interface Waiting extends AuthWaitOptions {
  readonly socket: Socket;
  readonly reception: Reception;
  readonly leave: () => void;
}

/** Before its session, this is where what comes from a client goes; afterwards it hands it on. */
class WaitingConnection implements Recipient, Mortal {
  readonly deadline: Deadline;
  readonly #waiting: Waiting;
  readonly #rateLimit: RateLimit;
  #state: 'silent' | 'asking' | 'over' = 'silent';
  #session: Session | undefined;

  constructor(waiting: Waiting) {
    const { clock, rate } = waiting;
    this.deadline = deadlineAt(clock.wallMs() + AUTH_SECONDS * 1000, clock);
    this.#waiting = waiting;
    this.#rateLimit = new RateLimit(rate, clock.monotonicMs());
  }

  get id(): string | undefined {
    return this.#session?.id;
  }

  receive(data: Buffer, kind: MessageKind): void {
    if (this.#session !== undefined) this.#session.receive(data, kind);
    // What comes behind the `auth` has nobody to go to yet, and to keep it would be to trust a stranger.
    else if (this.#state === 'asking') this.end(failures.badMessage);
    else if (this.#state === 'silent') this.#hear(data, kind);
  }

  pinged(): void {
    if (this.#session !== undefined) this.#session.pinged();
    else this.#count();
  }

  alive(): void {
    if (this.#session !== undefined) this.#session.alive();
    else this.#count();
  }

  /** No `auth` has come in time. One that came in time may take longer to be decided about. */
  expire(): void {
    if (this.#state === 'silent') this.end(failures.timeout);
  }

  end(failure: Closing): void {
    if (this.#session !== undefined) this.#session.end(failure);
    else this.#deny({ failure });
  }

  lose(code: number): void {
    if (this.#session !== undefined) this.#session.lose(code);
    else this.#stop();
  }

  /** The first message. */
  #hear(data: Buffer, kind: MessageKind): void {
    if (isOver(this.deadline, this.#waiting.clock)) {
      this.expire();
      return;
    }
    const auth = kind === 'text' ? authIn(data) : undefined;
    if (auth === undefined) this.end(failures.unauthorized);
    else void this.#ask(auth);
  }

  /** Never rejects. */
  async #ask({ id, token }: AuthCommand): Promise<void> {
    this.#state = 'asking';
    try {
      const answer = await this.#waiting.reception.authorize(token);
      if (this.#isGone()) this.#stop();
      else if ('failure' in answer) this.#deny(answer);
      else this.#enter(answer, id);
    } catch (error) {
      this.#waiting.log('handshake_failed', { error });
      this.end(failures.internal);
    }
  }

  #enter(visitor: V1Visitor, id: number): void {
    this.#session = this.#waiting.admit(this.#waiting.socket, visitor);
    this.#waiting.leave();
    send(this.#session, { type: 'ok', id });
  }

  /** Time has passed: the connection may have been ended, or its client may be leaving. */
  #isGone(): boolean {
    return this.#state === 'over' || !this.#waiting.socket.isOpen;
  }

  #count(): void {
    const may = this.#rateLimit.take(this.#waiting.clock.monotonicMs());
    if (!may) this.end(failures.rateLimited);
  }

  #deny(denial: Denial): void {
    if (this.#state === 'over') return;
    this.#stop();
    const { socket, closeCodeOf, reception } = this.#waiting;
    socket.close(closeCodeOf(denial.failure), denial.failure);
    reception.denied(denial);
  }

  #stop(): void {
    this.#state = 'over';
    this.#waiting.leave();
  }
}

/** The `auth` that a text is; undefined for any other. */
function authIn(data: Buffer): AuthCommand | undefined {
  const parsed = parseCommand(data.toString());
  if (parsed === undefined || !('command' in parsed)) return undefined;
  return parsed.command.type === 'auth' ? parsed.command : undefined;
}
