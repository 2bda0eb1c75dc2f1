import type { Clock } from './deadline.ts';
import type { Session } from './session.ts';

/** A session, from where it came, and since when it is here by the monotonic clock. */
export interface Attendee {
  readonly session: Session;
  readonly address: string | undefined;
  readonly sinceMs: number;
}

/** Whoever shows others who is here, by the ids of sessions. Must not throw, and must not block. */
export interface AttendanceWatcher {
  came(id: string): void;
  changed(id: string): void;
  left(id: string): void;
}

/** Who is here, for those who look at it from outside. */
export class Attendance {
  readonly #attendees = new Map<string, Attendee>();
  readonly #clock: Clock;
  readonly #watcher: AttendanceWatcher;

  constructor(clock: Clock, watcher: AttendanceWatcher) {
    this.#clock = clock;
    this.#watcher = watcher;
  }

  /** A session has begun. Returns what is to be called at its end; calling that twice is harmless. */
  add(session: Session, address: string | undefined): () => void {
    const { id } = session;
    this.#attendees.set(id, { session, address, sinceMs: this.#clock.monotonicMs() });
    this.#watcher.came(id);
    return () => {
      if (this.#attendees.delete(id)) this.#watcher.left(id);
    };
  }

  /** What a session's client has shown is something else now, such as when it expires. */
  changed({ id }: Session): void {
    if (this.#attendees.has(id)) this.#watcher.changed(id);
  }

  find(id: string): Attendee | undefined {
    return this.#attendees.get(id);
  }

  /** The ids of all; a copy. */
  ids(): readonly string[] {
    return [...this.#attendees.keys()];
  }
}
