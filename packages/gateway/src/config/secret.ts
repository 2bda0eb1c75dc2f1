import { inspect } from 'node:util';

/** What is shown in the place of a value. */
export const MASK = '[secret]';

/** Holds a value that must not reach a log, an error message or a JSON dump by accident. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The only way in: search for `.reveal(` to audit every use. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}
