import { setTimeout as delay } from 'node:timers/promises';

import { percentile } from '../support/percentile.ts';
import { freshDatabase } from '../support/postgres.ts';
import type { Query, Scope } from '../support/postgres.ts';
import { inSeconds, signToken } from '../support/tokens.ts';
import { until } from '../support/wait.ts';
import { gather } from './audience.ts';
import type { Audience } from './audience.ts';
import { enterAll } from './bare-client.ts';
import type { BareClient } from './bare-client.ts';
import { startMeasured } from './measured-gateway.ts';
import type { MeasuredProcess } from './measured-process.ts';

/** Who refreshes, who listens meanwhile, and how long each part lasts. */
export interface StormOptions {
  /** Sessions of `postern.v1`, each of which shows another token once in a storm. */
  readonly sessions: number;
  /** Others, by the raw protocol, who are sent messages all the time. */
  readonly listeners: number;
  /** Before each storm. More than 10, when there are several: no session may refresh more often. */
  readonly quietSeconds: number;
  /** A storm for each: all sessions refresh within so many seconds. */
  readonly stormSeconds: readonly number[];
  readonly onPart?: (name: string) => void;
}

/** What listeners noticed of a part, and what the gateway did. */
export interface StormPart {
  readonly name: string;
  readonly seconds: number;
  readonly refreshes: number;
  /** Beyond that of a quiet part of the same length; undefined of a quiet part. */
  readonly cpuMicrosEach: number | undefined;
  /** How much of the time the gateway was at work, all its threads. */
  readonly busy: number;
  /** From the statement that notified to the listener: all deliveries. */
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly longestMs: number;
}

const CHANNEL = 'hall';
/** Messages to the listeners. */
const EVERY_MS = 50;
const PATIENCE_MS = 60_000;

/** Measures refreshes of many sessions, and what others notice. Each storm comes after a quiet time. */
export async function measureStorms(
  scope: Scope,
  { sessions, listeners, quietSeconds, stormSeconds, onPart }: StormOptions,
): Promise<readonly StormPart[]> {
  const stage = await setStage(scope, sessions, listeners);
  const parts: StormPart[] = [];
  for (const seconds of stormSeconds) {
    onPart?.(`quiet, ${quietSeconds} s`);
    const quiet = await play(stage, 'quiet', quietSeconds, []);
    const texts = await stage.crowd.nextTexts();
    onPart?.(`storm, ${seconds} s`);
    const storm = await play(stage, 'storm', seconds, texts);
    const extra = storm.busy * storm.seconds - quiet.busy * storm.seconds;
    parts.push(quiet, { ...storm, cpuMicrosEach: (extra * 1e6) / sessions });
  }
  return parts;
}

interface Stage {
  readonly gateway: MeasuredProcess;
  readonly audience: Audience;
  readonly crowd: Crowd;
  readonly channel: string;
  readonly query: Query;
  /** When the last message was sent, and how late each delivery of this part was. */
  readonly timing: { sentMs: number; delays: number[] };
}

async function setStage(scope: Scope, sessions: number, listeners: number): Promise<Stage> {
  const { url, channel, query } = await freshDatabase(scope);
  const environment = { POSTERN_CONNECTIONS: '0', POSTERN_LOG_LEVEL: 'info' };
  const gateway = await startMeasured(scope, { url, channel, environment });
  const timing: Stage['timing'] = { sentMs: 0, delays: [] };
  const token = await signToken({ mode: 'r', channels: [CHANNEL], exp: inSeconds(24 * 3_600) });
  const audience = await gather(gateway.port, token, listeners, () => {
    timing.delays.push(performance.now() - timing.sentMs);
  });
  scope.after(() => Promise.resolve(audience.leave()));
  const crowd = new Crowd(sessions);
  await crowd.enter(gateway.port);
  scope.after(() => Promise.resolve(crowd.leave()));
  return { gateway, audience, crowd, channel, query, timing };
}

/** Plays one part: messages all the time, and the texts of the crowd spread over it. */
async function play(
  stage: Stage,
  name: string,
  seconds: number,
  texts: readonly string[],
): Promise<StormPart> {
  const { gateway, crowd, timing } = stage;
  timing.delays = [];
  const before = await gateway.cpu();
  const startMs = performance.now();
  const [, refreshes] = await Promise.all([
    sendUntil(stage, startMs + seconds * 1000),
    crowd.say(texts, seconds),
  ]);
  const after = await gateway.cpu();
  const tookSeconds = (performance.now() - startMs) / 1000;
  return {
    name,
    seconds: tookSeconds,
    refreshes,
    cpuMicrosEach: undefined,
    busy: (after.cpuSeconds - before.cpuSeconds) / tookSeconds,
    medianMs: percentile(timing.delays, 50),
    p99Ms: percentile(timing.delays, 99),
    longestMs: Math.max(...timing.delays),
  };
}

/** One message at a time, so that it is known which one is heard. */
async function sendUntil(
  { audience, query, channel, timing }: Stage,
  endMs: number,
): Promise<void> {
  while (performance.now() < endMs) {
    const heard = audience.heard(1);
    timing.sentMs = performance.now();
    await query('SELECT pg_notify($1, $2)', [channel, `{"channel":"${CHANNEL}","payload":1}`]);
    await heard;
    await delay(Math.max(0, EVERY_MS - (performance.now() - timing.sentMs)));
  }
}

/** The sessions that refresh: each of a user of its own. */
class Crowd {
  readonly #size: number;
  #clients: readonly BareClient[] = [];
  #hours = 1;
  #welcomed = 0;
  #refreshed = 0;
  #complaint: string | undefined;

  constructor(size: number) {
    this.#size = size;
  }

  async enter(port: number): Promise<void> {
    const tokens = await this.#tokens();
    this.#clients = await enterAll(
      tokens.map((token) => ({
        port,
        target: '/ws',
        lines: `Sec-WebSocket-Protocol: postern.v1\r\nAuthorization: Bearer ${token}\r\n`,
        onText: (payload) => this.#hear(payload.toString()),
        onLost: () => (this.#complaint ??= 'A connection was lost'),
      })),
    );
    await until('every welcome', () => this.#isFine() && this.#welcomed === this.#size);
  }

  /** What each is to say next, made beforehand: a token that ends an hour later than the last. */
  async nextTexts(): Promise<readonly string[]> {
    const tokens = await this.#tokens();
    return tokens.map((token) => JSON.stringify({ type: 'auth', id: this.#hours, token }));
  }

  /** Has each of them say its text, evenly over so many seconds. Resolves with how many were answered `ok`. */
  async say(texts: readonly string[], seconds: number): Promise<number> {
    const startMs = performance.now();
    this.#refreshed = 0;
    for (let said = 0; said < texts.length;) {
      const due = (texts.length * (performance.now() - startMs)) / (seconds * 1000);
      for (; said < Math.min(due, texts.length); said++)
        this.#clients[said]?.say(texts[said] ?? '');
      await delay(1);
    }
    await until(
      'every answer',
      () => this.#isFine() && this.#refreshed === texts.length,
      PATIENCE_MS,
    );
    return this.#refreshed;
  }

  leave(): void {
    for (const client of this.#clients) client.leave();
  }

  #tokens(): Promise<readonly string[]> {
    const exp = inSeconds(3_600 * this.#hours++);
    return Promise.all(
      Array.from({ length: this.#size }, (_, index) =>
        signToken({ sub: `user ${index}`, mode: 'r', channels: [CHANNEL], exp }),
      ),
    );
  }

  #hear(text: string): void {
    if (text.startsWith('{"type":"welcome"')) this.#welcomed += 1;
    else if (text.startsWith('{"type":"ok"')) this.#refreshed += 1;
    else this.#complaint ??= text;
  }

  #isFine(): boolean {
    if (this.#complaint !== undefined) throw new Error(`Not ok: ${this.#complaint}`);
    return true;
  }
}
