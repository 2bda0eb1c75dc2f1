import type { Served } from '../support/served.ts';

/** `postern serve`, once or more, each of which can be killed and started again at its port. */
export class Gateways {
  readonly #start: (port: string) => Promise<Served>;
  readonly #all: Served[] = [];
  /** What those have logged that were killed. */
  #past = '';

  constructor(start: (port: string) => Promise<Served>) {
    this.#start = start;
  }

  /** Of each. */
  get ports(): readonly number[] {
    return this.#all.map(({ port }) => port);
  }

  /** Starts one more, and waits until it lets clients in. */
  async add(): Promise<void> {
    this.#all.push(await this.#started('0'));
  }

  /** Kills one, and starts another in its place. */
  async replace(index: number): Promise<void> {
    const old = this.#all[index];
    if (old === undefined) throw new RangeError(`There is no gateway ${index}`);
    old.child.signal('SIGKILL');
    await old.child.exited();
    this.#past += old.child.stdout;
    this.#all[index] = await this.#started(String(old.port));
  }

  /** How many lines of their logs match. */
  logged(pattern: RegExp): number {
    const logs = [this.#past, ...this.#all.map(({ child }) => child.stdout)];
    return logs.reduce(
      (sum, log) => sum + log.split('\n').filter((line) => pattern.test(line)).length,
      0,
    );
  }

  /** Waits until all of them let clients in, which none does while it does not listen. */
  async ready(): Promise<void> {
    for (const gateway of this.#all) await gateway.ready(30_000);
  }

  async #started(port: string): Promise<Served> {
    const gateway = await this.#start(port);
    await gateway.ready(30_000);
    return gateway;
  }
}
