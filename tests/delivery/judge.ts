/**
 * Says of each subscriber what became of every message: received, covered by a gap that it was told,
 * or lost in silence. It knows what was published and what subscribers saw, and nothing of gateways.
 *
 * A publisher sends one message after the other, so its numbers are the order in which its messages were
 * committed. What it commits to one channel is a stream, and each stream is judged by itself. A missing
 * message counts as **covered** if, and only if, the subscriber was told a gap
 *
 * 1. of that very channel,
 * 2. after all older messages of the stream that it received,
 * 3. before all newer messages of the stream that it received, and
 * 4. after the publisher began to send the message: no gap forgives what is yet to come.
 *
 * Every other missing message is **lost** in silence. A message is **doubled** when it comes again,
 * **disordered** when a newer one of its stream came before it, and **foreign** when it was not
 * committed, or to another channel.
 */
import type { Account, Publication, Span } from './account.ts';
import { nameOf } from './account.ts';
import { readAccount } from './arrivals.ts';
import type { Gap } from './arrivals.ts';

/** What became of the messages of one subscriber's channels. */
export interface Verdict {
  readonly subscriber: string;
  /** For certain: what anybody received is certain, too. */
  readonly committed: number;
  /** Of these. */
  readonly received: number;
  readonly covered: number;
  /** Those of the covered that were sent in no break: not while it was away over one, either. */
  readonly needless: number;
  readonly doubled: number;
  readonly disordered: number;
  readonly lost: number;
  readonly foreign: number;
  /** How many it was told. */
  readonly gaps: number;
  /** Some of what went wrong, for people. */
  readonly examples: readonly string[];
}

const MOST_EXAMPLES = 10;

/** Judges what all subscribers saw; `breaks` only tell which gaps were needed. */
export function judge(
  publications: readonly Publication[],
  accounts: readonly Account[],
  breaks: readonly Span[] = [],
): readonly Verdict[] {
  const received = new Set(
    accounts.flatMap(({ seen }) =>
      seen.flatMap((sight) => (sight.type === 'message' ? [nameOf(sight)] : [])),
    ),
  );
  const committed = publications.filter(
    (publication) =>
      publication.outcome === 'committed' ||
      (publication.outcome === 'unknown' && received.has(nameOf(publication))),
  );
  return accounts.map((account) => judgeOne(committed, account, breaks));
}

/** Whether nothing went wrong of what never may. */
export function isClean({ doubled, disordered, lost, foreign }: Verdict): boolean {
  return doubled + disordered + lost + foreign === 0;
}

function judgeOne(
  committed: readonly Publication[],
  account: Account,
  breaks: readonly Span[],
): Verdict {
  const { subscriber, channels } = account;
  const own = committed.filter(({ channel }) => channels.includes(channel));
  const { positions, gaps, doubled, disordered, foreign } = readAccount(
    account,
    new Set(own.map(nameOf)),
  );
  const missing = [...streamsOf(own).values()].flatMap((stream) => missingOf(stream, positions));
  const lost = missing.filter((one) => !isCovered(one, gaps.get(one.publication.channel) ?? []));
  const excused = withAbsence(breaks, account.away);
  const isOfBreak = ({ publication: { sentMs } }: Missing): boolean =>
    excused.some(({ fromMs, toMs }) => sentMs >= fromMs && sentMs <= toMs);
  const examples = [
    ...lost.map(({ publication }) => `lost ${nameOf(publication)}`),
    ...doubled.map((name) => `doubled ${name}`),
    ...disordered.map((name) => `disordered ${name}`),
    ...foreign.map((name) => `foreign ${name}`),
  ];
  return {
    subscriber,
    committed: own.length,
    received: own.length - missing.length,
    covered: missing.length - lost.length,
    needless: missing.filter((one) => !isOfBreak(one) && !lost.includes(one)).length,
    doubled: doubled.length,
    disordered: disordered.length,
    lost: lost.length,
    foreign: foreign.length,
    gaps: [...gaps.values()].reduce((sum, { length }) => sum + length, 0),
    examples: examples.slice(0, MOST_EXAMPLES),
  };
}

/** The breaks, and each absence that was over one, or goes on from one that was. */
function withAbsence(breaks: readonly Span[], away: readonly Span[]): readonly Span[] {
  const excused = [...breaks];
  for (const absence of away) {
    const isExcused = excused.some(
      ({ fromMs, toMs }) => absence.fromMs <= toMs && absence.toMs >= fromMs,
    );
    if (isExcused) excused.push(absence);
  }
  return excused;
}

/** By publisher and channel, in the order in which they were sent. */
function streamsOf(
  publications: readonly Publication[],
): ReadonlyMap<string, readonly Publication[]> {
  const streams = new Map<string, Publication[]>();
  for (const publication of publications) {
    const name = `${publication.channel}/${publication.publisher}`;
    const stream = streams.get(name);
    if (stream === undefined) streams.set(name, [publication]);
    else stream.push(publication);
  }
  return streams;
}

/** A message that did not come, and the positions in the account between which its gap must stand. */
interface Missing {
  readonly publication: Publication;
  /** Of the last that came of what is older. */
  readonly after: number;
  /** Of the first that came of what is newer. */
  readonly before: number;
}

function missingOf(
  stream: readonly Publication[],
  positions: ReadonlyMap<string, number>,
): readonly Missing[] {
  const missing: Missing[] = [];
  const firstOfNewer = leastFromHere(stream.map((one) => positions.get(nameOf(one)) ?? Infinity));
  let lastOfOlder = -1;
  for (const [index, publication] of stream.entries()) {
    const position = positions.get(nameOf(publication));
    if (position !== undefined) lastOfOlder = Math.max(lastOfOlder, position);
    else {
      const before = firstOfNewer[index] ?? Infinity;
      missing.push({ publication, after: lastOfOlder, before });
    }
  }
  return missing;
}

/** For each number the least of it and of those behind it. */
function leastFromHere(numbers: readonly number[]): readonly number[] {
  const least = [...numbers];
  for (let index = least.length - 2; index >= 0; index -= 1)
    least[index] = Math.min(least[index] ?? Infinity, least[index + 1] ?? Infinity);
  return least;
}

/** The last gap that may cover it was told the latest: where that one does not, none does. */
function isCovered({ publication, after, before }: Missing, gaps: readonly Gap[]): boolean {
  const last = gaps.findLast(({ position }) => position < before);
  return last !== undefined && last.position > after && last.atMs >= publication.sentMs;
}
