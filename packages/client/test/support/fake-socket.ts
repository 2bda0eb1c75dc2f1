import assert from 'node:assert/strict';

import type { SocketClose, SocketConstructor, SocketLike, SocketMessage } from '#client/socket.js';

/** What a client said, with its `id`. */
export interface Said extends Readonly<Record<string, unknown>> {
  readonly type?: unknown;
  readonly id?: unknown;
}

/** A socket whose other side is the test. */
export class FakeSocket implements SocketLike {
  onopen: (() => void) | null = null;
  onmessage: ((event: SocketMessage) => void) | null = null;
  onclose: ((event: SocketClose) => void) | null = null;
  onerror: (() => void) | null = null;
  readonly url: string;
  readonly protocols: readonly string[];
  /** All that was said, the first first. */
  readonly said: Said[] = [];
  /** The codes by which the client has closed it; undefined: by none. */
  readonly closes: (number | undefined)[] = [];
  #isOpen = false;

  constructor(made: (socket: FakeSocket) => void, url: string, protocols: readonly string[]) {
    this.url = url;
    this.protocols = protocols;
    made(this);
  }

  send(text: string): void {
    // Browsers throw while it opens.
    assert.ok(this.#isOpen, 'said before it was open');
    const command: Said = JSON.parse(text);
    this.said.push(command);
  }

  close(code?: number): void {
    this.closes.push(code);
  }

  open(): void {
    this.#isOpen = true;
    this.onopen?.();
  }

  /** Opens it, and says the welcome. */
  welcome(members: object = {}): void {
    this.open();
    this.tell({ ...WELCOME, ...members });
  }

  tell(message: object): void {
    this.tellText(JSON.stringify(message));
  }

  tellText(data: unknown): void {
    this.onmessage?.({ data });
  }

  /** Answers the last command of this type. */
  reply(command: string, members: object = { type: 'ok' }): void {
    this.tell({ ...members, id: this.ofType(command).at(-1)?.id });
  }

  end(code: number, reason = ''): void {
    this.onclose?.({ code, reason });
  }

  ofType(type: string): readonly Said[] {
    return this.said.filter((command) => command.type === type);
  }

  /** What was said since it was asked for last, without the `id`s. */
  news(): readonly object[] {
    return this.said.splice(0).map(({ id: _id, ...command }) => command);
  }
}

/** What a gateway says first. */
export const WELCOME = {
  type: 'welcome',
  session: 's1',
  user: 'ada',
  serverTime: 1_800_000_000,
  channels: { '*': 'rw' },
  pingSeconds: 30,
  maxPayloadBytes: 0,
} as const;

/** A kind of socket, and all of that kind that were opened. */
export function fakeSockets(): {
  readonly Socket: SocketConstructor;
  readonly all: readonly FakeSocket[];
  readonly last: () => FakeSocket;
} {
  const all: FakeSocket[] = [];
  const made = (socket: FakeSocket): void => void all.push(socket);
  return {
    Socket: FakeSocket.bind(undefined, made),
    all,
    last: () => all.at(-1) ?? assert.fail('no socket was opened'),
  };
}
