/** What a page says by one of the kinds of data that a WebSocket takes; `half` puts half a surrogate pair before it. */
export type Saying = readonly [kind: 'text' | 'bytes' | 'blob' | 'half', text: string];

/** What a page does with a socket. */
export interface Speech {
  readonly url: string;
  readonly says: readonly Saying[];
  /** Subprotocols; with any it connects by hand, since `openRaw` offers none. */
  readonly offers?: readonly string[];
}

/** What a page learns of a connection. */
export interface Spoken {
  /** Absent when it was never open. */
  readonly opened?: { readonly protocol: string; readonly extensions: string };
  readonly payloads: readonly unknown[];
  readonly end: readonly [code: number, reason: string];
}

/**
 * Runs in a page that has `openRaw` of the documentation: says all of it, closes once as much has come back,
 * and tells how it went.
 */
export function speak({ url, says, offers }: Speech): Promise<Spoken> {
  const dataOf = ([kind, text]: Saying): string | Uint8Array<ArrayBuffer> | Blob => {
    if (kind === 'bytes') return new TextEncoder().encode(text);
    if (kind === 'blob') return new Blob([text]);
    return kind === 'half' ? `\ud800${text}` : text;
  };
  return new Promise((resolve) => {
    const payloads: unknown[] = [];
    let opened = {};
    const onPayload = (payload: unknown): void => {
      payloads.push(payload);
      if (payloads.length === says.length) socket.close(4123, 'done');
    };
    const onEnd = (code: number, reason: string): void =>
      resolve({ ...opened, payloads, end: [code, reason] });
    const socket: WebSocket =
      offers === undefined
        ? Reflect.get(globalThis, 'openRaw')(url, onPayload, onEnd)
        : new WebSocket(url, [...offers]);
    if (offers !== undefined)
      socket.addEventListener('close', ({ code, reason }) => onEnd(code, reason));
    socket.addEventListener('open', () => {
      opened = { opened: { protocol: socket.protocol, extensions: socket.extensions } };
      for (const saying of says) socket.send(dataOf(saying));
    });
  });
}

/**
 * Runs in a page that has `openRaw`: a reader says something, then a writer does, twice. Tells what each was
 * told by then.
 */
export function converse(urls: {
  readonly reader: string;
  readonly writer: string;
}): Promise<Readonly<Record<'reader' | 'writer', readonly unknown[]>>> {
  return new Promise((resolve) => {
    const told: Record<'reader' | 'writer', unknown[]> = { reader: [], writer: [] };
    const open = (name: 'reader' | 'writer', onPayload: () => void): WebSocket =>
      Reflect.get(globalThis, 'openRaw')(
        urls[name],
        (payload: unknown) => {
          told[name].push(payload);
          onPayload();
        },
        () => {},
      );
    const reader = open('reader', () => {
      if (told.reader.length === 1) return writer.send('two');
      for (const socket of [reader, writer]) socket.close();
      resolve(told);
    });
    let writer = reader;
    reader.addEventListener('open', () => {
      reader.send('from a reader');
      writer = open('writer', () => {});
      writer.addEventListener('open', () => writer.send('one'));
    });
  });
}

/** What a page was told on `postern.v1`. */
export interface Said {
  readonly messages: readonly Readonly<Record<string, unknown>>[];
  readonly end?: readonly [code: number, reason: string];
}

/** Runs in a page that has `openV1` of the documentation: publishes once it is subscribed. */
export function startV1({ url, token }: { readonly url: string; readonly token: string }): void {
  const state: { messages: unknown[]; end?: unknown } = { messages: [] };
  Reflect.set(globalThis, 'said', state);
  const onMessage = (message: Readonly<Record<string, unknown>>): void => {
    state.messages.push(message);
    if (message['id'] === 2) publish({ text: 'hello' }, 3);
  };
  const publish = Reflect.get(globalThis, 'openV1')(
    url,
    token,
    'chat',
    onMessage,
    (code: number, reason: string) => (state.end = [code, reason]),
  );
}

/** Runs in a page that has started: what it was told so far. */
export function said(): Said {
  return Reflect.get(globalThis, 'said');
}
