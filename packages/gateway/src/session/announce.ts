import { failures } from '@postern/client/protocol';
import type { Claims } from '../auth/verify.ts';
import type { Log } from '../observe/log.ts';
import type { Close, Session } from './session.ts';

/** A session, as an embedding program is told of it. */
export interface ProgramSession {
  /** The `session` of its log lines. */
  readonly id: string;
  readonly claims: Claims;
  /** What it was granted, by name; on `postern.v1` patterns as well. */
  readonly channels: readonly string[];
  /** Resolves when it has ended: by which close code, and whose doing it was. Never rejects. */
  readonly ended: Promise<Close>;
  /** Ends it with 3003 `Forbidden`. Harmless when it has ended already. */
  readonly end: () => void;
}

/** Called once for each session, as soon as it has begun. What it throws is logged. */
export type OnSession = (session: ProgramSession) => void | Promise<void>;

/** Tells the program of one session: of its begin, then of its end. */
interface Announcement {
  readonly opened: (session: Session, channels: readonly string[]) => void;
  readonly closed: (close: Close) => void;
}

/** One for all sessions of which nobody wants to be told. */
const silence: Announcement = { opened: () => undefined, closed: () => undefined };

/** Builds it for one session. */
export function createAnnouncement(onSession: OnSession | undefined, log: Log): Announcement {
  return onSession === undefined ? silence : announcementTo(onSession, log);
}

function announcementTo(onSession: OnSession, log: Log): Announcement {
  let settle: ((close: Close) => void) | undefined;

  return {
    opened: (session, channels) => {
      // Before the call: the program may end the session within it.
      const ended = new Promise<Close>((resolve) => (settle = resolve));
      void tell({ onSession, session, channels, ended, log });
    },
    closed: (close) => settle?.(close),
  };
}

interface Telling {
  readonly onSession: OnSession;
  readonly session: Session;
  readonly channels: readonly string[];
  readonly ended: Promise<Close>;
  readonly log: Log;
}

/** Never rejects: a fault of the program's costs no client anything. */
async function tell({ onSession, session, channels, ended, log }: Telling): Promise<void> {
  const { id, claims } = session;
  const end = (): void => session.end(failures.forbidden);
  try {
    await onSession({ id, ...structuredClone({ claims, channels }), ended, end });
  } catch (error) {
    log('on_session_failed', { session: id, error });
  }
}
