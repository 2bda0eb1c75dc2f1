/** Work that is done in pieces, so that what is urgent comes in between. */
export type Work = () => void;

/** Pieces a turn of the event loop: of 16 KiB each that is about a millisecond. */
const PIECES = 16;

/** Gives work its turns, in the order in which it was asked for. What is read and sent live goes first. */
export class Turns {
  #waiting: Work[] = [];

  /** Has a piece of work done in a later turn. */
  add(work: Work): void {
    this.#waiting.push(work);
    if (this.#waiting.length === 1) setImmediate(this.#take);
  }

  readonly #take = (): void => {
    const works = this.#waiting;
    this.#waiting = works.slice(PIECES);
    // Before any of it is done: what is asked for meanwhile joins a queue that is already on its way.
    if (this.#waiting.length > 0) setImmediate(this.#take);
    for (const work of works.slice(0, PIECES)) work();
  };
}
