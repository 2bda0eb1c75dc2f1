import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';

import { closePayload, opcodes } from './frames.ts';
import type { RawSocket } from './raw-socket.ts';

const EXPIRED = closePayload(3001, 'JWT expired');

/** How long after its deadline a client may stand that does not answer its close frame. */
export const GONE_MS = 4_000;

/** The next frame is the close frame of expiry, and nothing was sent before it. */
export async function expectExpired(rogue: RawSocket, deadlineMs: number): Promise<void> {
  const { opcode, payload } = await rogue.frame(deadlineMs);
  assert.deepEqual(
    [opcode, payload.toString('latin1')],
    [opcodes.close, EXPIRED.toString('latin1')],
  );
}

/** Has a client of `postern.v1` hear `chat`. What else it was told is read on the way. */
export async function subscribeToChat(page: RawSocket): Promise<void> {
  const payload = '{"type":"subscribe","id":99,"channel":"chat"}';
  page.sendFrame({ opcode: opcodes.text, payload });
  for (;;) {
    const reply = Object(JSON.parse((await page.frame()).payload.toString()));
    if (reply.id !== 99) continue;
    assert.equal(reply.type, 'ok');
    return;
  }
}

/** Nothing runs in this process meanwhile: no timer, no socket. */
export function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Keeps writing what `next` says until the connection is gone, and says how often that was. */
export async function flood(
  rogue: RawSocket,
  gone: Promise<unknown>,
  next: () => Buffer,
): Promise<number> {
  let over = false;
  const stop = (): void => void (over = true);
  gone.then(stop, stop);
  let count = 0;
  for (; !over; count += 1) {
    rogue.write(next());
    await turn();
  }
  return count;
}
