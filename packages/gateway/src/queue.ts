/**
 * First in, first out, and any by its place. To take from the front of an array would move all the rest.
 * Holds no `undefined`.
 */
export class Queue<Item> {
  #items: (Item | undefined)[] = [];
  /** How many at the front of `#items` are taken already. */
  #taken = 0;

  get length(): number {
    return this.#items.length - this.#taken;
  }

  /** The item at this place, 0 being the oldest; undefined beyond the end. */
  at(place: number): Item | undefined {
    return this.#items[this.#taken + place];
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  /** Takes the oldest. */
  shift(): Item | undefined {
    const item = this.#items[this.#taken];
    if (item === undefined) return undefined;
    // What is taken must not be kept alive by its old place.
    this.#items[this.#taken] = undefined;
    this.#taken += 1;
    if (this.#taken * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#taken);
      this.#taken = 0;
    }
    return item;
  }
}
