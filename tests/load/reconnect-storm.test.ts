import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import { noProbe, probe } from '../support/process-probe.ts';
import { until } from '../support/wait.ts';
import { startMeasured } from './measured-gateway.ts';
import { Visitor } from './visitor.ts';
import type { Ending } from './visitor.ts';

const CLIENTS = 5_000;
const PATIENCE_MS = 120_000;
/** The least wait of a client that was turned away; it has no manners beyond that. */
const RETRY_MS = 250;

const scope = failOnLeaks();

/** Clients that come back at once, and again and again until they are let in. */
class Crowd {
  readonly present = new Set<Visitor>();
  readonly endings = new Map<Ending, number>();
  #port: number;
  #stays = true;

  constructor(port: number) {
    this.#port = port;
  }

  come(): void {
    void new Visitor(
      this.#port,
      { mode: 'r', channel: 'news', exp: Math.floor(Date.now() / 1000) + 3_600 },
      {
        onOpen: (visitor) => this.present.add(visitor),
        onEnd: (visitor, ending) => {
          this.endings.set(ending, (this.endings.get(ending) ?? 0) + 1);
          const wasIn = this.present.delete(visitor);
          if (!this.#stays) return;
          if (wasIn) this.come();
          else setTimeout(() => this.come(), RETRY_MS * (1 + Math.random()));
        },
      },
    );
  }

  async complete(): Promise<void> {
    const said = (): string => JSON.stringify(Object.fromEntries(this.endings));
    await until(
      `${CLIENTS} clients (${this.present.size} so far, ${said()})`,
      () => this.present.size === CLIENTS,
      PATIENCE_MS,
    );
  }

  async goHome(): Promise<void> {
    this.#stays = false;
    for (const visitor of this.present) visitor.drop();
    await until('everybody to be gone', () => this.present.size === 0, PATIENCE_MS);
  }
}

function inMiB(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}

describe('When a gateway is killed under 5,000 clients that all come back at once', () => {
  it('lets each of them in again, and leaves nobody without messages', async (test) => {
    const { url, channel, query } = await freshDatabase(scope);
    const first = await startMeasured(scope, { url, channel });
    const crowd = new Crowd(first.port);
    scope.after(() => crowd.goHome());
    for (let n = 0; n < CLIENTS; n++) crowd.come();
    await crowd.complete();

    crowd.endings.clear();
    await first.kill();
    const startMs = performance.now();
    const environment = { POSTERN_PORT: String(first.port) };
    const second = await startMeasured(scope, { url, channel, environment });
    await crowd.complete();
    const seconds = (performance.now() - startMs) / 1000;

    // Before the sample: collecting garbage lets go of what the crowd took.
    const peak =
      noProbe === false ? `${inMiB(probe(second.pid).peakBytes())} MiB at its peak, ` : '';
    const sample = await second.sample();
    const memory = `${peak}${inMiB(sample.rssBytes)} MiB afterwards`;
    await query('SELECT pg_notify($1, $2)', [channel, '{"channel":"news","payload":"to all"}']);
    await until(
      'the message at each client',
      () => [...crowd.present].every(({ received }) => received === 1),
      PATIENCE_MS,
    );
    test.diagnostic(
      `all were back ${seconds.toFixed(1)} s after the kill; the new gateway used ` +
        `${sample.cpuSeconds.toFixed(1)} s of CPU and ${memory}; ` +
        `on the way: ${JSON.stringify(Object.fromEntries(crowd.endings))}`,
    );

    // The kill ends each once. What is beyond that are doors that were closed still, and handshakes
    // that a busy machine took ten seconds to send.
    assert.equal(crowd.endings.get('1006'), CLIENTS);
    const others = [...crowd.endings.keys()].filter(
      (ending) => !['1006', 'ECONNREFUSED', 'ECONNRESET', 'HTTP 408', 'HTTP 503'].includes(ending),
    );
    assert.deepEqual(others, []);
  });
});
