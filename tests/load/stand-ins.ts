import { Duplex } from 'node:stream';

import { failures } from '#client/protocol.js';
import type { Hub } from '#gateway/hub/hub.js';
import type { Clock, Deadline } from '#gateway/session/deadline.js';
import type { ExpiryWheel, Mortal } from '#gateway/session/expiry.js';
import { Flusher } from '#gateway/session/flusher.js';
import { Session } from '#gateway/session/session.js';

/** Who waits in the wheel: the least that has an end, or sessions. */
export type StandInKind = 'mortals' | 'sessions';

/** Sessions that share a channel. */
const ROOM = 1_000;
const FRAME = Buffer.from('\x81\x05hello', 'latin1');

/** What they are entered into. */
interface StandInParts {
  readonly hub: Hub;
  readonly wheel: ExpiryWheel;
  readonly clock: Clock;
  /** When sessions end, as wall time. */
  readonly endMs: number;
}

/** Sessions without a connection: there are more of them than a process may have descriptors. */
export class StandIns {
  ended = 0;
  /** Wall time. */
  lastEndMs = 0;
  delivered = 0;
  /** Frames that were written when the sessions had come to their end. */
  late = 0;
  readonly #parts: StandInParts;
  readonly #stream: Duplex;
  readonly #flusher = new Flusher();
  #made = 0;
  #talks = 0;

  constructor(parts: StandInParts) {
    this.#parts = parts;
    // One for all: it takes whatever is written at once.
    this.#stream = new Duplex({
      read: () => {},
      write: (_chunk, _encoding, done) => {
        this.delivered += 1;
        if (parts.clock.wallMs() >= parts.endMs) this.late += 1;
        done();
      },
    });
  }

  make(kind: StandInKind, deadline: Deadline): Mortal {
    return kind === 'sessions' ? this.#session(deadline) : { deadline, expire: this.#end };
  }

  /** Broadcasts to one room, the next one each time. */
  talk(): void {
    const room = this.#talks++ % Math.max(1, Math.ceil(this.#made / ROOM));
    this.#parts.hub.broadcast(`room ${room}`, () => FRAME);
  }

  #session(deadline: Deadline): Session {
    const channel = `room ${Math.floor(this.#made++ / ROOM)}`;
    const session: Session = new Session({
      id: 'stand-in',
      protocol: 'raw',
      socket: this.#socket(),
      grant: {},
      claims: {},
      expiresAt: deadline.wallMs / 1000,
      deadline,
      deadlineFailure: failures.tokenExpired,
      clock: this.#parts.clock,
      closeCodeOf: ({ close }) => close,
      flusher: this.#flusher,
      queueBytes: Infinity,
      rate: { perSecond: 0, burst: 1 },
      excessRate: undefined,
      onMessage: () => {},
      onDrain: () => {},
      onEnd: () => {
        this.#parts.hub.unsubscribe(channel, session);
        this.#parts.wheel.remove(session);
        this.#end();
      },
    });
    this.#parts.hub.subscribe(channel, session);
    return session;
  }

  #socket() {
    return {
      isOpen: true,
      stream: this.#stream,
      ping: () => {},
      close: () => {},
      terminate: () => {},
    };
  }

  readonly #end = (): void => {
    this.ended += 1;
    this.lastEndMs = this.#parts.clock.wallMs();
  };
}
