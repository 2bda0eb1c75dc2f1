import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';

import { WebSocket } from 'ws';

import { besiege } from '../support/besiegers.ts';
import type { Besiegers } from '../support/besiegers.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { percentile } from '../support/percentile.ts';
import { freshDatabase } from '../support/postgres.ts';
import { noProbe, probe } from '../support/process-probe.ts';
import { serve } from '../support/served.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { event, until } from '../support/wait.ts';

const scope = failOnLeaks();
const database = await freshDatabase({ after });

const claims = { mode: 'rw', exp: inSeconds(3_600) };

/** Of each kind. Gateway and besiegers need as many descriptors each, and some: `ulimit -n`. */
const BESIEGERS = 2_000;
const HONEST = 20;

/** A client has ten seconds for its handshake; who has not is looked for each second. */
const FREED_MS = 11_000;
/** A busy machine looks later. Without a limit of ours it would be a minute, or for ever. */
const SLACK_MS = 9_000;

/** What is bearable for honest clients: so many times their own 99th percentile, or so little at all. */
const MOST_TIMES_P99 = 10;
const BEARABLE_MS = 250;

/** Node alone takes some 6 kB for a connection. */
const MOST_BYTES_EACH = 32 * 1024;

/** Headers that never end, a line a second; a request that stops in its first line. */
const sieges = {
  'slow headers': {
    first: 'GET /chat/token HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n',
    drip: 'X-A: b\r\n',
  },
  'half handshakes': { first: 'GET /chat/to', drip: '' },
} as const;

/** Milliseconds that each message took to come back, a channel for each client, until `isOver`. */
async function roundTrips(
  clients: readonly WebSocket[],
  isOver: (count: number) => boolean,
): Promise<readonly number[]> {
  const took: number[] = [];
  const talk = async (client: WebSocket): Promise<void> => {
    for (let count = 0; !isOver(count); count += 1) {
      const startMs = performance.now();
      // By the event itself, as a poll would be what is measured.
      const back = event(client, 'message', 30_000);
      client.send(`message ${count}`);
      await back;
      took.push(performance.now() - startMs);
    }
  };
  await Promise.all(clients.map(talk));
  return took;
}

async function enter(port: number, channel: string): Promise<WebSocket> {
  const token = await signToken({ ...claims, channels: [channel] });
  const client = new WebSocket(`ws://127.0.0.1:${port}/${token}`, { perMessageDeflate: false });
  scope.after(() => Promise.resolve(client.terminate()));
  await event(client, 'open', 15_000);
  return client;
}

describe('Two thousand slow headers and two thousand half handshakes', { skip: noProbe }, () => {
  it('are freed in ten seconds, take little memory, and hold up no honest client', async (t) => {
    // A pool that grows meanwhile would look like a descriptor that does not come back.
    const environment = { POSTERN_POOL_SIZE: '1' };
    const gateway = await serve(scope, { ...database, environment });
    await gateway.ready();
    const clients = await Promise.all(
      Array.from({ length: HONEST }, (_, index) => enter(gateway.port, `channel ${index}`)),
    );
    const { descriptors, peakBytes, resetPeak } = probe(gateway.child.pid);
    await roundTrips(clients, (count) => count === 50);
    const before = await roundTrips(clients, (count) => count === 50);
    const descriptorsBefore = descriptors();
    resetPeak();
    const bytesBefore = peakBytes();

    let besiegers: readonly Besiegers[] = [];
    const siege = Promise.all(
      Object.values(sieges).map((kind) => besiege(scope, gateway.port, BESIEGERS, kind)),
    ).then((both) => (besiegers = both));
    const isOver = (): boolean => besiegers.length > 0 && besiegers.every(({ left }) => left === 0);
    const during = roundTrips(clients, isOver);
    await siege;
    assert.ok(descriptors() > descriptorsBefore + BESIEGERS, 'there was no siege');

    // The door stands open to who comes now.
    await enter(gateway.port, 'late');
    const stood = await Promise.all(
      besiegers.map(({ allEnded }) => allEnded(FREED_MS + 2 * SLACK_MS)),
    );

    const times = await during;
    const bytesEach = (peakBytes() - bytesBefore) / (2 * BESIEGERS);
    const [p99Before, p99During] = [percentile(before, 99), percentile(times, 99)];
    const longestMs = Math.max(...stood.flat());
    t.diagnostic(
      `p99 of ${HONEST} honest clients: ${p99Before.toFixed(1)} ms before, ` +
        `${p99During.toFixed(1)} ms during (${(p99During / p99Before).toFixed(1)} times, ` +
        `median ${percentile(before, 50).toFixed(1)} → ${percentile(times, 50).toFixed(1)} ms); ` +
        `the longest besieger stood ${(longestMs / 1000).toFixed(1)} s; ` +
        `${(bytesEach / 1024).toFixed(1)} KiB each at the peak`,
    );
    assert.ok(longestMs < FREED_MS + SLACK_MS, `freed after ${longestMs} ms`);
    assert.ok(bytesEach < MOST_BYTES_EACH, `${bytesEach} bytes each`);
    assert.ok(p99During <= Math.max(MOST_TIMES_P99 * p99Before, BEARABLE_MS), `${p99During} ms`);
    // The one who came late is still there.
    await until('their descriptors back', () => descriptors() <= descriptorsBefore + 1, SLACK_MS);
  });
});
