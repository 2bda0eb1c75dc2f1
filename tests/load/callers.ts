import { connect } from 'node:net';
import type { Socket } from 'node:net';

import { inTime } from '../support/wait.ts';

/** What a client of the bench says, and what it has to be told. */
export interface Call {
  /** All of its first words, made beforehand. */
  readonly request: Buffer;
  /** What it says once it has an answer. */
  readonly follows?: Buffer;
  readonly status: number;
  /** What must come, wherever in the answer. */
  readonly hears: readonly string[];
  /** Whether the connection stays, or its end belongs to the answer. */
  readonly stays: boolean;
}

/** All the calls, answered as they had to be. */
export interface Answered {
  /** As text, a character a byte, in no order. */
  readonly answers: readonly string[];
  /** Drops the connections that stay, and leaves no port behind that waits. */
  hangUp(): Promise<void>;
}

const END_OF_HEAD = '\r\n\r\n';
const PATIENCE_MS = 60_000;
/** Enough of a refusal to see what went wrong. */
const SHOWN_CHARACTERS = 300;

/**
 * Makes all the calls, each on a connection of its own, some at a time, as cheaply as Node allows.
 * Rejects when one of them is answered otherwise than it should be: nothing else may be measured.
 */
export async function callAll(
  port: number,
  calls: readonly Call[],
  atATime: number,
): Promise<Answered> {
  const open = new Set<Socket>();
  const answers: string[] = [];
  const waiting = [...calls];
  const caller = async (): Promise<void> => {
    for (let call = waiting.pop(); call !== undefined; call = waiting.pop())
      answers.push(await make(port, call, open));
  };
  const hangUp = async (): Promise<void> => {
    const closed = [...open].map(dropped);
    await inTime('the last connection to close', Promise.all(closed), PATIENCE_MS);
  };

  try {
    const callers = Array.from({ length: atATime }, caller);
    await inTime(`${calls.length} answers`, Promise.all(callers), PATIENCE_MS);
  } catch (error) {
    waiting.length = 0;
    await hangUp();
    throw error;
  }
  return { answers, hangUp };
}

function make(port: number, call: Call, open: Set<Socket>): Promise<string> {
  const { request, stays, follows } = call;
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    open.add(socket);
    let text = '';
    let hasGoneOn = follows === undefined;
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (!hasGoneOn && text.includes(END_OF_HEAD)) {
        hasGoneOn = true;
        socket.write(follows ?? '');
      }
      if (stays && isRight(text, call)) resolve(text);
    });
    socket.on('error', () => {
      // `close` follows, and finds the answer incomplete.
    });
    socket.on('close', () => {
      open.delete(socket);
      if (!stays && isRight(text, call)) resolve(text);
      else reject(wrong(text, call));
    });
    socket.write(request);
  });
}

function isRight(text: string, { status, hears }: Call): boolean {
  return text.startsWith(`HTTP/1.1 ${status} `) && hears.every((part) => text.includes(part));
}

/** Of an answer that may hold tickets only what it lacks is told. */
function wrong(text: string, { status, hears }: Call): Error {
  const [statusLine = ''] = text.split('\r\n', 1);
  const body = text.slice(text.indexOf(END_OF_HEAD)).trim().slice(0, SHOWN_CHARACTERS);
  const missing = hears.filter((part) => !text.includes(part)).join(', ');
  if (text === '') return new Error(`Not ${status}: the connection broke`);
  return statusLine.startsWith(`HTTP/1.1 ${status} `)
    ? new Error(`${status}, but the connection ended without ${missing}`)
    : new Error(`Not ${status}, but ${statusLine}: ${body}`);
}

/** By a reset: an orderly end would keep the port for a minute, and thousands of them are needed. */
function dropped(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve());
    socket.resetAndDestroy();
  });
}
