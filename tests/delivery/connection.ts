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
  socket.on('error', ({ message }) => (refusal = REFUSAL.exec(message)?.[1]));
  socket.on('close', (code) => onEnd(refusal === undefined ? String(code) : `HTTP ${refusal}`));
  return socket;
}
