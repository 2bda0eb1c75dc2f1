import { inTime } from './wait.ts';
import { said } from './way-in.ts';
import type { WsClient } from './ws-client.ts';

/** Values that are others at each run, by the member that holds them, and what stands for them on a page. */
const stable: Readonly<Record<string, unknown>> = {
  session: '0b8a61ce-…',
  token: 'eyJhbGciOi…',
  serverTime: 1795613402.151,
  at: 1795613405.402,
  expiresAt: 1795617002,
  seconds: 28.417,
};

/** Epochs as they are written on a page: the first that turns up, and the one after a break. */
const EPOCHS = ['Vq3xZp0a', 'mT81cfGk'] as const;
const FIRST_PLACE = 5_210;

/** How long a browser waits: by chance, so that not all come back at once. */
const RETRY_MS = 3_124;

/** The longest text that a page shows whole. */
const LONGEST = 120;

/** An exchange of messages as it was, in the form that pages show. */
export class Recorded {
  readonly #lines: string[] = [];
  readonly #cursors = new Map<unknown, string>();
  readonly #epochs: string[] = [];

  /** All of it. */
  get text(): string {
    return this.#lines.map((line) => `${line}\n`).join('');
  }

  /** The client says something: a message, or a text that is none. */
  says(client: WsClient, message: object | string): void {
    this.#add('client', typeof message === 'string' ? message : this.#written(message));
    client.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** The gateway says as many messages as this. */
  async hears(client: WsClient, count = 1): Promise<Readonly<Record<string, unknown>>> {
    const message = await said(client);
    this.#add('gateway', this.#written(message));
    return count === 1 ? message : await this.hears(client, count - 1);
  }

  /** The gateway closes the connection. */
  async ends(client: WsClient): Promise<void> {
    const { code, reason } = await client.closed(15_000);
    this.#add('gateway', `closes with ${code} ${reason}`);
  }

  /** The client asks by HTTP. */
  asks(target: string, lines: readonly string[] = []): void {
    this.#add('client', `GET ${target}`);
    for (const line of lines) this.#add('', line);
  }

  /** Something else happens, in the words of the page. */
  async meanwhile(what: string, event: Promise<unknown>): Promise<void> {
    this.#add('', what);
    await inTime(what, event);
  }

  /** A stream of events says this. */
  streams(text: string): void {
    for (const [index, line] of text.trimEnd().split('\n').entries())
      this.#add(index === 0 ? 'gateway' : '', this.#streamed(line));
  }

  #streamed(line: string): string {
    const [, name = '', value = ''] = /^(\w+): (.*)$/.exec(line) ?? [];
    if (name === 'data') return `data: ${this.#written(JSON.parse(value))}`;
    if (name === 'id') return `id: ${this.cursor(value)}`;
    return name === 'retry' ? `retry: ${RETRY_MS}` : line;
  }

  #add(who: string, text: string): void {
    this.#lines.push(`${who.padEnd(7)}  ${text}`.trimEnd());
  }

  #written(message: object): string {
    return JSON.stringify(message, (name, value: unknown) => {
      if (name === 'cursor' || name === 'from') return this.cursor(value);
      if (name in stable) return stable[name];
      const isLong = typeof value === 'string' && value.length > LONGEST;
      return isLong ? `${value.slice(0, 10)}…` : value;
    });
  }

  /** Places are numbered as they turn up: how many messages others had before is nobody's business. */
  cursor(cursor: unknown): string {
    const known = this.#cursors.get(cursor);
    if (known !== undefined) return known;
    const [epoch = ''] = String(cursor).split('.');
    if (!this.#epochs.includes(epoch)) this.#epochs.push(epoch);
    const name = EPOCHS[this.#epochs.indexOf(epoch)] ?? epoch;
    const written = `${name}.${FIRST_PLACE + this.#cursors.size}`;
    this.#cursors.set(cursor, written);
    return written;
  }
}
