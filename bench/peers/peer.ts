import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import type { Scope } from '../../tests/support/postgres.ts';
import { inTime } from '../../tests/support/wait.ts';

/** How a subscriber comes in: all bytes that it sends. */
export interface Entrance {
  readonly port: number;
  /** The head of the handshake. */
  readonly request: string;
  /** What follows once that is answered; nothing by default. */
  readonly greeting?: Buffer;
  /** What the answer to the greeting has in it; none is awaited by default. */
  readonly ready?: Buffer | string;
}

/** A server that fans out messages of one channel, in a process of its own. */
export interface Peer {
  /** Its children count for it, too. */
  readonly pid: number;
  readonly entrance: Entrance;
  /** Sends so many messages to all subscribers, all at once, the way its users do. */
  publish(messages: number): Promise<void>;
}

/** A server that can be measured here. */
export interface PeerKind {
  readonly name: string;
  /** Why it cannot be measured here; `undefined` when it can, as by default. */
  lacks?(): string | undefined;
  /** Starts it. It does not outlive the scope. */
  start(scope: Scope): Promise<Peer>;
}

/** The key of RFC 6455, section 1.3. */
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

/** The head of a handshake; `lines` are further ones of it. */
export function upgradeRequest(path: string, lines: readonly string[] = []): string {
  return [
    `GET ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${KEY}`,
    ...lines,
    '\r\n',
  ].join('\r\n');
}

/** A program that was started, and what it is told. */
interface StartedProgram {
  readonly pid: number;
  readonly port: number;
  tell(line: string): void;
}

const PATIENCE_MS = 30_000;

/** Starts a program that prints `listening PORT` when it lets subscribers in. */
export async function startProgram(
  scope: Scope,
  file: string,
  args: readonly string[],
): Promise<StartedProgram> {
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  scope.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await inTime(`the port of ${file}`, lines.next(), PATIENCE_MS);
  const port = /^listening (\d+)$/.exec(String(first.value))?.[1];
  if (port === undefined || child.pid === undefined) throw new Error(`${file} does not listen`);
  return {
    pid: child.pid,
    port: Number(port),
    tell: (line) => void child.stdin.write(`${line}\n`),
  };
}
