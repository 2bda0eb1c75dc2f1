import { randomUUID } from 'node:crypto';

import type { Scope } from '../../support/postgres.ts';
import { inSeconds, signToken } from '../../support/tokens.ts';
import type { Closing, ConnectOptions } from '../../support/ws-client.ts';
import { WsClient } from '../../support/ws-client.ts';
import type { Claims, Target } from '../targets.ts';
import { readMessage } from './grammar.ts';
import type { Said } from './grammar.ts';

/** The name of the protocol. */
export const V1 = 'postern.v1';

/** What can be no channel's name. */
export const NO_NAMES: readonly string[] = [
  '*',
  'room:*',
  '{sub}',
  'a}',
  'a\nb',
  'a\0',
  '\u007f',
  'x'.repeat(201),
  'é'.repeat(101),
];

/** A channel that nobody else uses. */
export const freshChannel = (): string => `conformance-${randomUUID()}`;

/** A token that holds for an hour, unless the claims say otherwise; `undefined` leaves one out. */
export const tokenFor = (claims: Claims): Promise<string> =>
  signToken({ sub: 'ada', mode: 'rw', exp: inSeconds(3_600), ...claims });

/** A client of `postern.v1` that holds each message against the grammar as it reads it. */
export class V1Client {
  readonly socket: WsClient;
  /** What was read on the way to something else. */
  #waiting: readonly Said[] = [];
  #lastId = 0;

  private constructor(socket: WsClient) {
    this.socket = socket;
  }

  /** Connects with or without a credential, and awaits nothing. It ends with the scope. */
  static async connect(
    scope: Scope,
    target: Target,
    { protocols = [V1], ...options }: ConnectOptions = {},
  ): Promise<V1Client> {
    const socket = await WsClient.connect(`${target.wsUrl}/ws`, { protocols, ...options });
    scope.after(() => Promise.resolve(socket.terminate()));
    return new V1Client(socket);
  }

  /** Sends a command with the next id, and returns its reply. */
  async ask(command: Said): Promise<Said> {
    return await this.reply(this.say(command));
  }

  /** Sends a command with the next id, and returns that. */
  say(command: Said): number {
    const id = ++this.#lastId;
    this.socket.send(JSON.stringify({ ...command, id }));
    return id;
  }

  /** The reply to the command of this id. */
  async reply(id: number): Promise<Said> {
    return await this.#next((message) => message['id'] === id);
  }

  /** The next message that is no reply; of this type, where one is given. */
  async heard(type?: string): Promise<Said> {
    return await this.#next(
      (message) => !('id' in message) && (type === undefined || message['type'] === type),
    );
  }

  /** The payloads of the next messages of channels. */
  async payloads(count: number): Promise<readonly unknown[]> {
    const payloads: unknown[] = [];
    while (payloads.length < count) payloads.push((await this.heard('message'))['payload']);
    return payloads;
  }

  /** Everything that came so far, in order. */
  get all(): readonly Said[] {
    return this.socket.messages.map(readMessage);
  }

  /** Waits for the end. */
  async closed(deadlineMs?: number): Promise<Closing> {
    return await this.socket.closed(deadlineMs);
  }

  async #next(isIt: (message: Said) => boolean): Promise<Said> {
    for (;;) {
      const found = this.#waiting.find(isIt);
      if (found !== undefined) {
        this.#waiting = this.#waiting.filter((message) => message !== found);
        return found;
      }
      this.#waiting = [...this.#waiting, readMessage(await this.socket.message())];
    }
  }
}

/** Connects with a token for these claims in `Authorization`, and returns the welcome, too. */
export async function enter(scope: Scope, target: Target, claims: Claims) {
  const headers = { Authorization: `Bearer ${await tokenFor(claims)}` };
  const client = await V1Client.connect(scope, target, { headers });
  return { client, welcome: await client.heard() };
}

/** The same, subscribed to a channel of its own. */
export async function enterSubscribed(scope: Scope, target: Target, claims: Claims = {}) {
  const channel = freshChannel();
  const { client } = await enter(scope, target, { channels: [channel], ...claims });
  await client.ask({ type: 'subscribe', channel });
  return { client, channel };
}

/** What a reply is, and its code. */
export const verdict = ({ type, code }: Said): string =>
  code === undefined ? String(type) : `${String(type)} ${String(code)}`;
