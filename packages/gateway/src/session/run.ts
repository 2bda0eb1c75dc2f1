/**
 * Frames that go out as one write. Sockets that are owed the same frames share one run, and its bytes: it is
 * made once for all of them, however many they are. Runs are a tree, of which every branch begins with none.
 */
export class Run {
  readonly bytes: number;
  readonly #before: Run | undefined;
  readonly #frame: Buffer | undefined;
  /** This one and the frame that came last: that goes to one socket after the other. */
  #next: Run | undefined;
  #joined: Buffer | undefined;

  /** The one with no frame. */
  constructor();
  constructor(before: Run, frame: Buffer);
  constructor(before?: Run, frame?: Buffer) {
    this.#before = before;
    this.#frame = frame;
    this.bytes = (before?.bytes ?? 0) + (frame?.length ?? 0);
  }

  /** The run that goes on with this frame: the same one whenever it is asked for the same frame again. */
  with(frame: Buffer): Run {
    const next = this.#next;
    if (next !== undefined && next.#frame === frame) return next;
    return (this.#next = new Run(this, frame));
  }

  /** Its bytes, which are joined once. A frame that is alone is not copied. */
  get buffer(): Buffer {
    return (this.#joined ??= Run.#join(this));
  }

  /** Keeps no frame alive any more for those that come. */
  forget(): void {
    this.#next = undefined;
  }

  static #join(whole: Run): Buffer {
    if (whole.#frame?.length === whole.bytes) return whole.#frame;
    // Not out of Node's pool: what waits for a slow reader would keep 8 KB alive.
    const joined = Buffer.allocUnsafeSlow(whole.bytes);
    let end = whole.bytes;
    let run = whole;
    while (run.#frame !== undefined && run.#before !== undefined) {
      end -= run.#frame.length;
      run.#frame.copy(joined, end);
      run = run.#before;
    }
    return joined;
  }
}
