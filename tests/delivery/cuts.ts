import { setTimeout as delay } from 'node:timers/promises';

import type { Guest, Scene } from './scene.ts';

/** How many cuts, over how long. */
export interface CutOptions {
  readonly cuts: number;
  readonly seconds: number;
}

/** Where a cable is cut: more is hardly ever read in one go. */
const MOST_BYTES = 3_000;
/** Of a connection that is cut again: what was missed comes first, so this is in the middle of that. */
const MOST_MESSAGES = 80;
const MOST_REPLIES = 3;

/** Every so many cuts who publishes is cut off, too. */
const PUBLISHER_EVERY = 5;

/**
 * Cuts off one subscriber after the other, chosen at random, half of them by destroying the socket, half
 * by a cable that is cut in the middle of a frame. Returns how many cuts hit somebody.
 */
export async function cutAround(
  { guests, keyedPublishers, random }: Scene,
  { cuts, seconds }: CutOptions,
): Promise<number> {
  const cables = guests.filter(({ proxies }) => proxies.length > 0);
  const direct = guests.filter(({ proxies }) => proxies.length === 0);
  let done = 0;
  while (done < cuts) {
    await delay((seconds * 1_000 * (0.5 + random.next())) / cuts);
    const there = (done % 2 === 0 ? direct : cables).filter(
      ({ subscriber }) => subscriber.isSubscribed && subscriber.isReading,
    );
    if (there.length === 0) continue;
    cut(random.pick(there), random);
    done += 1;
    if (done % PUBLISHER_EVERY === 0) for (const publisher of keyedPublishers) publisher.cut();
  }
  return done;
}

function cut({ subscriber, proxies }: Guest, random: Scene['random']): void {
  if (proxies.length > 0) {
    const bytes = random.between(1, MOST_BYTES);
    for (const proxy of proxies) proxy.cutAfter('down', bytes);
  } else if (random.next() < 0.3) {
    subscriber.cut();
  } else {
    // Right after it is told what it will get, or in the middle of that.
    if (random.next() < 0.5) subscriber.cutTwice('reply', random.between(1, MOST_REPLIES));
    else subscriber.cutTwice('message', random.between(1, MOST_MESSAGES));
  }
}
