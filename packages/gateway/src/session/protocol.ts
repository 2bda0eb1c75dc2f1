import type { Close, MessageKind, Session } from './session.ts';

/**
 * What a session's messages mean: the same for all sessions that speak it. `Granted` is what such a
 * session may do, in whatever form its protocol asks for that.
 */
export interface Protocol<Granted> {
  /** What a grant names, for the log and for the embedding program. */
  readonly channels: (grant: Granted) => readonly string[];
  /** The channels that are delivered from the first moment on, unasked. */
  readonly readable: (grant: Granted) => readonly string[];
  /** A message of the client's. */
  readonly receive: Receive<Granted>;
  /** One that is over the rate, but not far over it; undefined: whoever goes over it is ended. */
  readonly excess: Receive<Granted> | undefined;
  /** A session has been entered everywhere: nobody has sent it anything yet. */
  readonly opened: (session: Session<Granted>) => void;
  /** It has ended, and is nowhere any more. */
  readonly closed: (session: Session<Granted>, close: Close) => void;
}

type Receive<Granted> = (session: Session<Granted>, data: Buffer, kind: MessageKind) => void;
