import type { Clock } from './deadline.ts';
import type { Session } from './session.ts';

/** A session, from where it came, and since when it is here, by both clocks. */
export interface Attendee {
  readonly session: Session;
  readonly address: string | undefined;
  readonly since: { readonly wallMs: number; readonly monotonicMs: number };
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

  /** A session has begun. */
  add(session: Session, address: string | undefined): void {
    const { id } = session;
    const since = { wallMs: this.#clock.wallMs(), monotonicMs: this.#clock.monotonicMs() };
    this.#attendees.set(id, { session, address, since });
    this.#watcher.came(id);
  }

  /** It has ended. Harmless when that is known. */
  remove({ id }: Session): void {
    if (this.#attendees.delete(id)) this.#watcher.left(id);
  }

  /** What a session's client has shown is something else now, such as when it expires. */
  changed({ id }: Session): void {
    if (this.#attendees.has(id)) this.#watcher.changed(id);
  }

  find(id: string): Attendee | undefined {
    return this.#attendees.get(id);
  }

  /** A copy: members may leave while it is walked through. */
  all(): readonly Attendee[] {
    return [...this.#attendees.values()];
  }

  /** The ids of all; a copy. */
  ids(): readonly string[] {
    return [...this.#attendees.keys()];
  }
}
