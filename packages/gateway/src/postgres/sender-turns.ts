import { Queue } from '../queue.ts';

/** What waits of one sender: never nothing. */
interface Line<Item> {
  readonly sender: object | undefined;
  readonly items: Queue<Item>;
}

/**
 * What waits of many senders: first in, first out for each of them, and one of each in turn. So nobody
 * waits behind all that somebody else has sent. Senders are told apart by identity; `undefined` is one, too.
 */
export class SenderTurns<Item> {
  readonly #lines = new Map<object | undefined, Line<Item>>();
  /** The same lines, the one whose turn it is first. */
  readonly #turns = new Queue<Line<Item>>();

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    return this.#turns.length === 0;
  }

  /** What is taken next; undefined: nothing waits. */
  get next(): Item | undefined {
    return this.#turns.at(0)?.items.at(0);
  }

  push(sender: object | undefined, item: Item): void {
    const known = this.#lines.get(sender);
    const line = known ?? { sender, items: new Queue<Item>() };
    line.items.push(item);
    if (known !== undefined) return;
    this.#lines.set(sender, line);
    this.#turns.push(line);
  }

  /** Takes out what is next. */
  shift(): Item | undefined {
    const line = this.#turns.shift();
    const item = line?.items.shift();
    if (line === undefined) return undefined;
    if (line.items.length > 0) this.#turns.push(line);
    else this.#lines.delete(line.sender);
    return item;
  }
}
