import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

import type { Scope } from './postgres.ts';
import { until } from './wait.ts';

/** Connections that never get as far as a handshake. */
export interface Besiegers {
  /** Connections that the server has not ended yet. */
  readonly left: number;
  /** Waits until the server has ended all, and returns how many milliseconds each of them stood. */
  allEnded(deadlineMs: number): Promise<readonly number[]>;
}

/** What a besieger sends at first, and then, at most once a second, for as long as it may. */
export interface Siege {
  readonly first: string;
  readonly drip: string;
}

/** So many connect at a time: a queue of the system's takes no more. */
const AT_A_TIME = 100;
const STEP_MS = 10;

/** Opens so many connections to a port of 127.0.0.1. They are gone at the end of the scope. */
export async function besiege(
  scope: Scope,
  port: number,
  count: number,
  { first, drip }: Siege,
): Promise<Besiegers> {
  const open = new Set<Socket>();
  const stoodMs: number[] = [];
  let dripping: NodeJS.Timeout | undefined;
  scope.after(async () => {
    clearInterval(dripping);
    for (const socket of open) socket.destroy();
    await until('the besiegers to be gone', () => open.size === 0);
  });

  const come = async (): Promise<void> => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {
      // To be reset is one way to be shown the door.
    });
    await once(socket, 'connect');
    const startMs = performance.now();
    open.add(socket);
    socket.resume();
    socket.write(first);
    socket.once('close', () => {
      open.delete(socket);
      stoodMs.push(performance.now() - startMs);
    });
  };
  for (let n = 0; n < count; n += AT_A_TIME)
    await Promise.all(Array.from({ length: Math.min(AT_A_TIME, count - n) }, come));

  if (drip !== '') dripping = setInterval(dripStep([...open], drip), STEP_MS);
  return {
    get left() {
      return open.size;
    },
    allEnded: (deadlineMs) =>
      until('the end of all besiegers', () => open.size === 0 && stoodMs, deadlineMs).finally(() =>
        clearInterval(dripping),
      ),
  };
}

/** Writes to all of them in turn, each once a second: all at once would hold up whoever measures. */
function dripStep(sockets: readonly Socket[], drip: string): () => void {
  const share = Math.ceil((sockets.length * STEP_MS) / 1_000);
  let next = 0;
  return () => {
    for (let n = 0; n < share; n += 1) {
      const socket = sockets[next++ % sockets.length];
      if (socket?.writable === true) socket.write(drip);
    }
  };
}
