/**
 * What a notification and a delivery allocate, in a process of its own whose young generation is so large
 * that it is hardly collected meanwhile: says it over the channel to its parent.
 */
import { setImmediate as turn } from 'node:timers/promises';

import { failures } from '#client/protocol.js';
import { coreOf } from '#gateway/core.js';
import { createIncoming } from '#gateway/incoming.js';
import { deadlineAt, systemClock } from '#gateway/session/deadline.js';
import { Flusher } from '#gateway/session/flusher.js';
import { Session } from '#gateway/session/session.js';
import type { Sink } from '#gateway/session/session.js';

import type { Allocations } from './allocations.ts';

const SUBSCRIBERS = 1_000;
const CHANNEL = 'hall';
const TEXT = JSON.stringify({ channel: CHANNEL, payload: 'x'.repeat(96) });
/** Notifications that come in one turn. */
const BURST = 10;
/** In these the code is compiled, and what grows has grown. */
const WARM_UP_ROUNDS = 300;
const ROUNDS = 200;

const core = coreOf({ jwtSecret: 'x'.repeat(32), log: () => {} });
const incoming = createIncoming(core);
let writes = 0;

const notification = await measure(BURST, BURST);
enterAll();
const single = await measure(1, SUBSCRIBERS);
const burst = await measure(BURST, BURST * SUBSCRIBERS);
process.send?.({ notification, single, burst } satisfies Allocations);
process.disconnect();

/** Sessions whose sockets take whatever they are given. */
function enterAll(): void {
  const stream: Sink = { write: () => (writes += 1) > 0, writableLength: 0 };
  const flusher = new Flusher();
  const deadline = deadlineAt(systemClock.wallMs() + 3_600_000, systemClock);
  for (let n = 0; n < SUBSCRIBERS; n++) {
    const session = new Session({
      id: 'stand-in',
      protocol: 'raw',
      socket: { isOpen: true, stream, ping: () => {}, close: () => {}, terminate: () => {} },
      grant: {},
      claims: {},
      expiresAt: undefined,
      deadline,
      deadlineFailure: failures.tokenExpired,
      clock: systemClock,
      closeCodeOf: ({ close }) => close,
      flusher,
      queueBytes: Infinity,
      rate: { perSecond: 0, burst: 1 },
      excessRate: undefined,
      onMessage: () => {},
      onDrain: () => {},
      onEnd: () => {},
    });
    core.hubs.raw.subscribe(CHANNEL, session);
  }
}

/** Of rounds of so many notifications each, by what is counted in one of them. */
async function measure(notifications: number, count: number) {
  await rounds(notifications, WARM_UP_ROUNDS);
  globalThis.gc?.();
  const before = writes;
  const grown = await rounds(notifications, ROUNDS);
  const bytes = grown.filter((growth) => growth > 0).toSorted((one, other) => one - other);
  // What the inspection takes itself, and a round in which garbage was collected, are not in the middle.
  return {
    bytes: (bytes[bytes.length >> 1] ?? Number.NaN) / count,
    writes: (writes - before) / ROUNDS / count,
  };
}

/** By how much the heap has grown in each. */
async function rounds(notifications: number, many: number): Promise<readonly number[]> {
  const grown: number[] = [];
  for (let round = 0; round < many; round++) {
    const before = process.memoryUsage().heapUsed;
    for (let n = 0; n < notifications; n++) incoming.publish(TEXT);
    await turn();
    // The rest, where that was too much for one: a loaded machine may stop anywhere.
    await turn();
    grown.push(process.memoryUsage().heapUsed - before);
  }
  return grown;
}
