import type { PosternError } from './errors.ts';
import type { Gap, Message } from './subscription.ts';

/** What an iteration over a channel comes to. */
export type Item<Payload> = Message<Payload> | Gap;

/** Whoever waits for the next item. */
interface Reader<Payload> {
  readonly resolve: (result: IteratorResult<Item<Payload>, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/** Hands out what comes, one after the other, as fast as it is asked for. */
export class Iteration<Payload> implements AsyncIterableIterator<Item<Payload>, undefined> {
  readonly #limit: number;
  readonly #stop: () => void;
  #items: Item<Payload>[] = [];
  #readers: Reader<Payload>[] = [];
  #end: { readonly error?: PosternError } | undefined;

  /** `limit`: how many may wait. `stop` is called when nobody reads any more. */
  constructor(limit: number, stop: () => void) {
    this.#limit = limit;
    this.#stop = stop;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Whoever is too slow loses what waits, and is told so in its place. */
  push(item: Item<Payload>): void {
    if (this.#end !== undefined) return;
    const reader = this.#readers.shift();
    if (reader !== undefined) reader.resolve({ done: false, value: item });
    else if (this.#items.length < this.#limit) this.#items.push(item);
    else {
      const { channel, cursor } = item;
      this.#items = [{ type: 'gap', channel, reason: 'overflow', cursor }];
    }
  }

  /** Nothing more comes; with an error the reader is told why, once it has come that far. */
  finish(error?: PosternError): void {
    if (this.#end !== undefined) return;
    this.#end = error === undefined ? {} : { error };
    const readers = this.#readers;
    this.#readers = [];
    readers.forEach(({ resolve, reject }) => this.#tellEnd(resolve, reject));
  }

  next(): Promise<IteratorResult<Item<Payload>, undefined>> {
    return new Promise((resolve, reject) => {
      const item = this.#items.shift();
      if (item !== undefined) resolve({ done: false, value: item });
      else if (this.#end !== undefined) this.#tellEnd(resolve, reject);
      else this.#readers.push({ resolve, reject });
    });
  }

  /** `break`, `return` and a throw in the loop come here. */
  return(): Promise<IteratorResult<Item<Payload>, undefined>> {
    this.#items = [];
    this.finish();
    this.#stop();
    return Promise.resolve({ done: true, value: undefined });
  }

  #tellEnd(resolve: Reader<Payload>['resolve'], reject: Reader<Payload>['reject']): void {
    const error = this.#end?.error;
    // Once: after that it is simply over.
    this.#end = {};
    if (error === undefined) resolve({ done: true, value: undefined });
    else reject(error);
  }
}
