import type { Flusher, Owed } from '#gateway/session/flusher.js';
import { Run } from '#gateway/session/run.js';

/** Has everything written at once: what a session says can be read as soon as it has said it. */
export class FlushAtOnce implements Pick<Flusher, 'add' | 'none'> {
  readonly none = new Run();

  add(owed: Owed): void {
    owed.flush();
  }
}
