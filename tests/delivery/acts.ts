import { setTimeout as delay } from 'node:timers/promises';

import { until } from '../support/wait.ts';
import { WAVE } from './flood.ts';
import type { Scene } from './scene.ts';

/** A loss is noticed within the seconds between two checks and five more, and mended within five. */
const NOTICE_MS = 20_000;

/** Some messages, after which a client's cursor is a small number. */
const LITTLE_MS = 50;
/** By then the gateway is back, and has given that number to another message. */
const LONG_ENOUGH_MS = 1_500;

/** As many channels as a guest of few has. */
const MOST_REPLIES = 2;

/** What a gateway logs when it no longer listens. */
export const LOST = /"event":"listener_lost"/;
/** What it logs of a slow consumer's end. */
export const SLOW = /"code":4008/;
const RESTORED = /"event":"listener_restored"/;

/** Something that is done to gateways, PostgreSQL or subscribers. It is over when all is well again. */
export type Act = (scene: Scene) => Promise<void>;

/** THE table of what can happen, beside cuts. */
export const acts = {
  /** The connection by which a gateway listens is ended. */
  killListener: async (scene) => {
    await mended(scene, () => terminateListener(scene));
  },
  /** That, and as soon as there is another one, that too: most likely before it is relied on. */
  killListenerTwice: async (scene) => {
    const { server } = scene;
    await mended(scene, async () => {
      await terminateListener(scene);
      await server.listenBackendPid(server.channel);
      await terminateListener(scene);
    });
  },
  /**
   * One break right after the other, and nobody there for the second: what they have is hardly a cursor. They are told so
   * by a reply, and cut off again before the gap.
   */
  twoBreaks: async (scene) => {
    await mended(scene, () => terminateListener(scene));
    await delay(LITTLE_MS);
    for (const { subscriber } of scene.guests)
      subscriber.cutTwice('reply', scene.random.between(1, MOST_REPLIES), LONG_ENOUGH_MS);
    await mended(scene, () => terminateListener(scene));
  },
  /** A connection of the pool is ended. */
  killPooled: async (scene) => {
    await until('a connection of the pool', () => terminate(scene, '%pg_notify%'));
  },
  /** What a gateway listens by says nothing more, and its connection stays open. */
  stopListener: async (scene) => {
    const { server } = scene;
    await mended(scene, async () => {
      const pid = await server.listenBackendPid(server.channel);
      const before = scene.gateways.logged(LOST);
      server.pause(pid);
      await until('the loss', () => scene.gateways.logged(LOST) > before, NOTICE_MS);
      server.resume(pid);
    });
  },
  /** That, for longer than it takes to notice: the gateway listens elsewhere when it comes to life again. */
  stopListenerLong: async (scene) => {
    const { server } = scene;
    await mended(scene, async () => {
      const pid = await server.listenBackendPid(server.channel);
      server.pause(pid);
      await delay(12_000);
      server.resume(pid);
    });
  },
  /** PostgreSQL is stopped, by its fast way, and started again. */
  restartPostgres: async (scene) => {
    await mended(scene, () => scene.server.restart());
  },
  /** A gateway is killed by SIGKILL, and another one takes its place: it knows nothing of before. */
  killGateway: async (scene) => {
    const { gateways, random, breaks } = scene;
    const fromMs = performance.now();
    await gateways.replace(random.between(0, gateways.ports.length - 1));
    breaks.push({ fromMs, toMs: performance.now() });
  },
  /**
   * Some subscribers stop reading, under a flood, until they are ended; then they read on. One that is behind would
   * not be ended, but wait where it is.
   */
  stall: async ({ slow, flood, gateways }) => {
    const before = gateways.logged(SLOW);
    const isOver = async (): Promise<boolean> => {
      for (const one of slow) if (one.isSubscribed && one.has(flood.book.newest)) one.pause();
      // Until they have caught up, they are not to fall behind.
      await flood.wave(slow.some(({ isReading }) => isReading) ? 1 : WAVE);
      return gateways.logged(SLOW) >= before + slow.length;
    };
    await until('the end of all slow consumers', isOver, 30_000);
    for (const one of slow) one.resume();
  },
} as const satisfies Readonly<Record<string, Act>>;

export type ActName = keyof typeof acts;

/** Breaks something, and waits until every gateway has noticed it, and listens again. */
async function mended(scene: Scene, breakIt: () => Promise<void>): Promise<void> {
  const { gateways, breaks } = scene;
  const before = gateways.logged(RESTORED);
  const fromMs = performance.now();
  await breakIt();
  await until('a gateway that listens again', () => gateways.logged(RESTORED) > before, NOTICE_MS);
  await gateways.ready();
  breaks.push({ fromMs, toMs: performance.now() });
}

async function terminateListener(scene: Scene): Promise<void> {
  await terminate(scene, 'LISTEN%');
}

/** Ends one backend of a gateway at random, by its last statement. Returns whether there was one. */
async function terminate({ server }: Scene, query: string): Promise<boolean> {
  const rows = await server.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name = 'postern' AND query LIKE $1 ORDER BY random() LIMIT 1`,
    [query],
  );
  return rows.length > 0;
}
