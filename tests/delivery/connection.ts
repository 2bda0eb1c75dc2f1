import { WebSocket } from 'ws';

/** What is done with a connection of `postern.v1`, and who is told of it. */
export interface ConnectionOptions {
  readonly port: number;
  readonly token: string;
  /** Told of each message in turn, once it is read. */
  readonly onMessage: (message: Message) => void;
  /** Told once, also when it never opened: a close code, or the HTTP status of a refusal. */
  readonly onEnd: (ending: string) => void;
}

/** A message of the gateway's. */
export type Message = Readonly<Record<string, unknown>>;

const REFUSAL = /^Unexpected server response: (\d+)$/;

/** Connects. Nothing is thrown: what goes wrong ends the connection. */
export function openConnection({ port, token, onMessage, onEnd }: ConnectionOptions): WebSocket {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, ['postern.v1'], {
    headers: { Authorization: `Bearer ${token}` },
    perMessageDeflate: false,
  });
  let refusal: string | undefined;
  socket.on('message', (data) => {
    const message: unknown = JSON.parse(String(data));
    onMessage({ ...Object(message) });
  });
  // `close` follows. What a handshake was refused with is told in this way only.
  socket.on('error', ({ message }) => (refusal = refusalIn(message)));
  socket.on('close', (code) => onEnd(refusal ?? String(code)));
  return socket;
}

/** The HTTP status that a handshake was refused with, by the error that says so. */
export function refusalIn(message: string): string | undefined {
  const status = REFUSAL.exec(message)?.[1];
  return status === undefined ? undefined : `HTTP ${status}`;
}
