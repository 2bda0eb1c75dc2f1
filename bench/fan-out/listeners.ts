import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

import type { Scope } from '../../tests/support/postgres.ts';
import { inTime } from '../../tests/support/wait.ts';
import type { Entrance } from '../peers/peer.ts';
import { compileNative } from './native.ts';
import { MARKER } from './texts.ts';

/** Ten thousand handshakes, or a hundred thousand deliveries, of the slowest on a busy machine. */
const PATIENCE_MS = 120_000;

/** Subscribers of one server, in a process of their own: `bench/native/listeners.c`. */
export interface Listeners {
  /** Brings them to so many in all, and waits until each of them is subscribed. */
  connect(count: number): Promise<void>;
  /** Waits until each has heard so many messages more. Rejects when one hears a different number. */
  heard(messages: number): Promise<void>;
}

/** Starts the process for the server of that name. Nobody is connected yet. */
export async function startListeners(
  scope: Scope,
  name: string,
  entrance: Entrance,
): Promise<Listeners> {
  const { port, request, greeting = '', ready = '' } = entrance;
  const hex = [request, greeting, ready].map((part) => Buffer.from(part).toString('hex'));
  const child = spawn(await compileNative('listeners'), [String(port), MARKER, ...hex], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  scope.after(() => Promise.resolve(void child.kill('SIGKILL')));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();

  const ask = async (question: string, expected: string): Promise<void> => {
    child.stdin.write(`${question}\n`);
    const answer = await inTime(`'${expected}' of ${name}`, lines.next(), PATIENCE_MS);
    if (answer.value !== expected) throw new Error(`The listeners of ${name} gave up`);
  };
  let size = 0;
  let total = 0;
  return {
    connect: async (count) => {
      await ask(`connect ${count}`, `connected ${count}`);
      size = count;
      total = 0;
    },
    heard: async (messages) => {
      total += messages * size;
      await ask(`await ${total}`, `heard ${total}`);
    },
  };
}
