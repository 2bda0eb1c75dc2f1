import { setTimeout as delay } from 'node:timers/promises';

import { encodeFrame, opcodes } from '../support/frames.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { enterAll } from './bare-client.ts';
import type { BareClient } from './bare-client.ts';

/** Clients of `postern.v1` who publish, each to a channel of its own, and read their answers. */
export interface Publishers {
  /** Each keeps `window` of them unanswered, until `publishes` are answered in all. Resolves with how many were. */
  flood(publishes: number, window: number): Promise<number>;
  /** So many a second, in turn. Resolves with how long each waited for its answer, in milliseconds. */
  pace(perSecond: number, seconds: number): Promise<readonly number[]>;
  leave(): void;
}

const PATIENCE_MS = 120_000;
/** As long as a line of a chat. */
const PAYLOAD = 'x'.repeat(100);
const OK = '{"type":"ok","id":';

/** Lets so many publishers in. Whatever is answered otherwise than `ok` makes the next call reject. */
export async function gatherPublishers(port: number, size: number): Promise<Publishers> {
  const crowd = new Crowd();
  await crowd.enter(port, size);
  return crowd;
}

class Crowd implements Publishers {
  #clients: readonly BareClient[] = [];
  #welcomed = 0;
  #complaint: string | undefined;
  /** When each that waits for its answer was sent, by id. One count of ids serves all. */
  readonly #sentMs = new Map<number, number>();
  #lastId = 0;
  #answered = (_client: number, _id: number): void => {};

  async enter(port: number, size: number): Promise<void> {
    const exp = inSeconds(24 * 3_600);
    const tokens = await Promise.all(
      Array.from({ length: size }, (_, index) =>
        signToken({ sub: `user ${index}`, mode: 'rw', channels: [`room ${index}`], exp }),
      ),
    );
    this.#clients = await enterAll(
      tokens.map((token, index) => ({
        port,
        target: '/ws',
        lines: `Sec-WebSocket-Protocol: postern.v1\r\nAuthorization: Bearer ${token}\r\n`,
        onText: (payload) => this.#hear(index, payload.toString('latin1')),
        onLost: () => (this.#complaint ??= 'A connection was lost'),
      })),
    );
    await until('every welcome', () => this.#isFine() && this.#welcomed === size);
  }

  async flood(publishes: number, window: number): Promise<number> {
    let answered = 0;
    const owed = this.#clients.map(() => 0);
    const pay = (client: number): void => {
      this.#publish(client, owed[client] ?? 0);
      owed[client] = 0;
    };
    this.#answered = (client) => {
      answered += 1;
      // All that one turn of the loop has answered is replaced by one write.
      if (owed[client] === 0) setImmediate(pay, client);
      owed[client] = (owed[client] ?? 0) + 1;
    };
    this.#clients.forEach((_, client) => this.#publish(client, window));
    await until('answers', () => this.#isFine() && answered >= publishes, PATIENCE_MS);
    this.#answered = () => (answered += 1);
    await until('the last answers', () => this.#isFine() && this.#sentMs.size === 0, PATIENCE_MS);
    return answered;
  }

  async pace(perSecond: number, seconds: number): Promise<readonly number[]> {
    const delays: number[] = [];
    this.#answered = (_client, id) =>
      delays.push(performance.now() - (this.#sentMs.get(id) ?? Number.NaN));
    const startMs = performance.now();
    const all = perSecond * seconds;
    for (let sent = 0; sent < all;) {
      const due = Math.min(all, ((performance.now() - startMs) * perSecond) / 1000);
      for (; sent < due; sent++) this.#publish(sent % this.#clients.length, 1);
      await delay(1);
    }
    await until('the last answers', () => this.#isFine() && this.#sentMs.size === 0, PATIENCE_MS);
    return delays;
  }

  leave(): void {
    for (const client of this.#clients) client.leave();
  }

  #publish(client: number, count: number): void {
    const frames = Array.from({ length: count }, () => {
      const id = ++this.#lastId;
      this.#sentMs.set(id, performance.now());
      const command = { type: 'publish', id, channel: `room ${client}`, payload: PAYLOAD };
      return encodeFrame({ opcode: opcodes.text, payload: JSON.stringify(command) });
    });
    this.#clients[client]?.write(Buffer.concat(frames));
  }

  #hear(client: number, text: string): void {
    if (text.startsWith(OK)) {
      const id = Number.parseInt(text.slice(OK.length), 10);
      this.#answered(client, id);
      this.#sentMs.delete(id);
    } else if (text.startsWith('{"type":"welcome"')) this.#welcomed += 1;
    else this.#complaint ??= text;
  }

  #isFine(): boolean {
    if (this.#complaint !== undefined) throw new Error(`Not ok: ${this.#complaint}`);
    return true;
  }
}
