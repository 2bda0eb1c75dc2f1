import { setTimeout as delay } from 'node:timers/promises';

import type { Scope } from '../support/postgres.ts';
import { until } from '../support/wait.ts';
import type { Publication } from './account.ts';
import type { ActName } from './acts.ts';
import { acts, LOST, SLOW } from './acts.ts';
import { cutAround } from './cuts.ts';
import { judge } from './judge.ts';
import type { Verdict } from './judge.ts';
import type { Scene, SceneOptions } from './scene.ts';
import { setScene } from './scene.ts';
import type { Fortunes, Subscriber } from './subscriber.ts';

/** What is done to whom, and for how long. */
export interface KillOptions extends SceneOptions {
  /** One after the other, with a while of quiet before each. */
  readonly acts: readonly ActName[];
  /** Seconds of that while. */
  readonly quietSeconds: number;
  /** Cuts of subscribers, spread over about as many seconds, at the same time. */
  readonly cuts: number;
  readonly cutSeconds: number;
  /** Told of each act as it begins. */
  readonly onAct?: (act: ActName) => void;
}

/** What came of it. */
export interface KillReport {
  readonly seed: number;
  readonly acts: readonly ActName[];
  readonly cuts: number;
  readonly seconds: number;
  /** By outcome, all publishers together. */
  readonly publications: Readonly<Record<Publication['outcome'], number>>;
  /** How often an outcome was unknown to who published with keys, be it for a while only. */
  readonly doubts: number;
  /** Breaks that the gateways have noticed, and sessions that they have ended as too slow. */
  readonly noticed: { readonly breaks: number; readonly slowConsumers: number };
  readonly verdicts: readonly Verdict[];
  readonly fortunes: Readonly<Record<string, Fortunes>>;
}

/** So long nothing happens in the end: then everybody is there, and all that is published arrives. */
const CALM_MS = 1_500;
const CATCH_UP_MS = 20_000;

/** Publishes and breaks, then judges what became of it all. */
export async function killRun(scope: Scope, options: KillOptions): Promise<KillReport> {
  const scene = await setScene(scope, options);
  const startMs = performance.now();
  const publishers = [...scene.sqlPublishers, ...scene.keyedPublishers];
  for (const publisher of publishers) publisher.start();
  const [cuts] = await Promise.all([
    cutAround(scene, { cuts: options.cuts, seconds: options.cutSeconds }),
    perform(scene, options),
  ]);
  // Whoever is not, the judge will find.
  await until('all subscribers', () => areThere(scene), CATCH_UP_MS).catch(() => undefined);
  await scene.flood.wave(1);
  await delay(CALM_MS);
  await Promise.all(publishers.map((publisher) => publisher.stop()));
  const seconds = (performance.now() - startMs) / 1_000;

  const publications = await settled(scene);
  const subscribers = scene.guests.map(({ subscriber }) => subscriber);
  await caughtUp(publications, subscribers);
  await Promise.all(subscribers.map((subscriber) => subscriber.stop()));
  return {
    seed: options.seed,
    acts: options.acts,
    cuts,
    seconds,
    publications: countByOutcome(publications),
    noticed: {
      breaks: scene.gateways.logged(LOST),
      slowConsumers: scene.gateways.logged(SLOW),
    },
    doubts: scene.keyedPublishers.reduce((sum, { doubts }) => sum + doubts, 0),
    verdicts: judge(
      publications,
      subscribers.map(({ account }) => account),
      scene.breaks,
    ),
    fortunes: Object.fromEntries(subscribers.map(({ name, fortunes }) => [name, fortunes])),
  };
}

async function perform(scene: Scene, { acts: names, quietSeconds, onAct }: KillOptions) {
  for (const name of names) {
    await delay(quietSeconds * 1_000);
    onAct?.(name);
    await acts[name](scene);
  }
}

const areThere = ({ guests }: Scene): boolean =>
  guests.every(({ subscriber }) => subscriber.isSubscribed);

/** All publications. Of those by SQL the table knows for certain. */
async function settled({ server, sqlPublishers, keyedPublishers, flood }: Scene) {
  const byTable = [...sqlPublishers, flood].map(({ book }) => book);
  for (const book of byTable) await book.settleBy(server.query);
  const byAnswer = keyedPublishers.map(({ book }) => book);
  return [...byTable, ...byAnswer].flatMap(({ publications }) => publications);
}

/** Waits until everybody has the newest of each stream. Whoever never gets it, the judge will find. */
async function caughtUp(
  publications: readonly Publication[],
  subscribers: readonly Subscriber[],
): Promise<void> {
  const newest = new Map<string, Publication>();
  for (const publication of publications)
    if (publication.outcome === 'committed')
      newest.set(`${publication.publisher}/${publication.channel}`, publication);
  const hasAll = (subscriber: Subscriber): boolean =>
    [...newest.values()]
      .filter(({ channel }) => subscriber.account.channels.includes(channel))
      .every((publication) => subscriber.has(publication));
  await until('the newest messages', () => subscribers.every(hasAll), CATCH_UP_MS).catch(
    () => undefined,
  );
}

function countByOutcome(publications: readonly Publication[]): KillReport['publications'] {
  const counts = { committed: 0, 'rolled back': 0, unknown: 0 };
  for (const { outcome } of publications) counts[outcome] += 1;
  return counts;
}
