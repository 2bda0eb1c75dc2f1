/** Is told what a function of the program that uses the client has thrown: nothing of the client's breaks by it. */
export type Report = (error: unknown) => void;

/** Those who want to be told of one thing. */
export class Listeners<Value> {
  readonly #report: Report;
  #listeners: readonly ((value: Value) => void)[] = [];

  constructor(report: Report) {
    this.#report = report;
  }

  /** Returns what takes the listener out again; a second time that does nothing. */
  add(listener: (value: Value) => void): () => void {
    // One of its own, so that whoever adds a function twice has it called twice.
    const entry = (value: Value): void => listener(value);
    this.#listeners = this.#listeners.concat(entry);
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== entry);
    };
  }

  /** Tells all who are there now. */
  tell(value: Value): void {
    this.#listeners.forEach((listener) => attempt(() => listener(value), this.#report));
  }
}

/** Calls a function of the program's; what it throws is reported, and goes no further. */
export function attempt(call: () => void, report: Report): void {
  try {
    call();
  } catch (error) {
    report(error);
  }
}
