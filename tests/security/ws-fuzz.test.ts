/**
 * Handshakes at `/ws` and requests for preauthentication by chance, for as many runs as
 * handshake-fuzz.test.ts makes. A failure names the seed, the path to it and the bytes.
 */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';

import { makeArsenal } from '../support/fuzz-arsenal.ts';
import type { Arsenal } from '../support/fuzz-arsenal.ts';
import { FUZZ_RUNS } from '../support/fuzz-bytes.ts';
import { deliver } from '../support/fuzz-delivery.ts';
import { handshakeDrafts, preauthDrafts } from '../support/fuzz-draft.ts';
import type { Draft } from '../support/fuzz-draft.ts';
import { verdictOn } from '../support/fuzz-oracle.ts';
import type { Verdict } from '../support/fuzz-oracle.ts';
import { carriedOut, pieces, plan } from '../support/fuzz-plan.ts';
import { preauthVerdictOn } from '../support/fuzz-preauth-oracle.ts';
import { failOnLeaks } from '../support/leaks.ts';
import { freshDatabase } from '../support/postgres.ts';
import { noProbe, probe } from '../support/process-probe.ts';
import { serve } from '../support/served.ts';
import { until } from '../support/wait.ts';
import { enter, knock, said, tickets } from '../support/way-in.ts';
import { ATTACKED_ENVIRONMENT, embedOf, framed } from '../support/ws-attacks.ts';

const target = await serve(
  { after },
  {
    ...(await freshDatabase({ after })),
    environment: {
      ...ATTACKED_ENVIRONMENT,
      POSTERN_URL_TOKENS: 'false',
      POSTERN_POOL_SIZE: '1',
      // Whoever keeps half a kilobyte of each of 100,000 ends there.
      NODE_OPTIONS: '--max-old-space-size=64',
    },
  },
);
await target.ready();
// What is issued in the second in which the store was made counts as used.
await until('a store that takes tokens', async () => {
  return (await knock(target.port, framed())).status === 101;
});
failOnLeaks();

/** So long are tickets taken from one arsenal. */
const ARSENAL_MS = 20_000;
let arsenal = makeArsenal('');
let madeAtMs = -Infinity;

async function arsenalNow(): Promise<Arsenal> {
  if (performance.now() - madeAtMs < ARSENAL_MS) return arsenal;
  const spent = embedOf();
  assert.equal((await knock(target.port, framed({ embed: spent }))).status, 101);
  madeAtMs = performance.now();
  arsenal = makeArsenal(spent);
  return arsenal;
}

/** How often what was answered, by what should have been. */
class Tally {
  readonly #counts = new Map<string, number>();

  add(verdict: Verdict, answer: string): void {
    const key = `${verdict} ${answer}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** Over all keys that match. */
  count(pattern: RegExp): number {
    return [...this.#counts].reduce((sum, [key, n]) => (pattern.test(key) ? sum + n : sum), 0);
  }

  toString(): string {
    const most = [...this.#counts].toSorted(([, one], [, other]) => other - one);
    return most.map(([key, n]) => `${key}: ${n}`).join(', ');
  }
}

type Drafts = Readonly<Record<string, (arsenal: Arsenal, port: number) => Draft>>;

/** What is right about a kind of request. */
interface Kind {
  readonly drafts: Drafts;
  readonly verdictOn: (text: string, arsenal: Arsenal) => Verdict;
  /** Whether an answer lets somebody in. */
  readonly isIn: (answer: string) => boolean;
  /** What must not be in the answer to somebody who is not. */
  readonly prize: RegExp;
}

const statusIn = (answer: string): string => /^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 'none';

/** All that is said to somebody who is let in: no extension, no offer but ours. */
const OPENED =
  /^HTTP\/1\.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: [\w+/]{27}=\r\nSec-WebSocket-Protocol: postern\.v1\r\n\r\n/;

/** What is long enough to be a part of a credential. */
const SECRETIVE = /[\w-]{40,}/g;

/** Sends one, and holds the answer against the verdict. */
async function tryOne(text: string, cuts: readonly number[], kind: Kind, tally: Tally) {
  const verdict = kind.verdictOn(text, arsenal);
  const sent = pieces(text, cuts);
  const shown = (): string => `${verdict}; sent, in Latin 1: ${JSON.stringify(sent)}`;
  const answer = await deliver(target.port, sent).catch((error: unknown) => {
    throw new Error(shown(), { cause: error });
  });
  const isIn = kind.isIn(answer);
  tally.add(verdict, statusIn(answer));
  if (verdict === 'in') assert.ok(isIn, `kept out: ${shown()}; answered ${answer}`);
  if (verdict === 'out') assert.doesNotMatch(answer, kind.prize, `let in: ${shown()}`);
  if (answer.includes('HTTP/1.1 101 ')) assert.match(answer, OPENED, `opened: ${shown()}`);
  // New tickets may begin like those that were sent.
  const secrets = isIn ? [] : (text.match(SECRETIVE) ?? []);
  const repeated = secrets.find((secret) => answer.includes(secret));
  assert.equal(repeated, undefined, `repeated: ${shown()}`);
  assert.ok(!answer.startsWith('HTTP/1.1 500 '), `broke it: ${shown()}`);
}

/** So many are under way at once. */
const AT_ONCE = 20;

/** Sends as many as a run makes. */
async function tryAll(kind: Kind, tally: Tally): Promise<void> {
  const way = fc.constantFrom(...Object.keys(kind.drafts));
  const garbage = fc
    .array(fc.uint8Array({ maxLength: 400 }), { maxLength: 3 })
    .map((all) => Buffer.concat(all).toString('latin1'));
  const request = fc.oneof(
    { weight: 19, arbitrary: fc.record({ way, plan }) },
    { weight: 1, arbitrary: garbage },
  );
  const batch = fc.array(request, { minLength: AT_ONCE, maxLength: AT_ONCE });
  const property = fc.asyncProperty(batch, async (inputs) => {
    const now = await arsenalNow();
    const send = (input: (typeof inputs)[number]): Promise<void> => {
      if (typeof input === 'string') return tryOne(input, [], kind, tally);
      const draft = kind.drafts[input.way]?.(now, target.port);
      assert.ok(draft !== undefined);
      return tryOne(carriedOut(input.plan, draft, now), input.plan.cuts, kind, tally);
    };
    await Promise.all(inputs.map(send));
  });
  await fc.assert(property, { numRuns: Math.ceil(FUZZ_RUNS / AT_ONCE) });
}

const MIB = 1024 * 1024;

/** What a process may take on, from its warm state: most of it waits for the garbage collection. */
const MOST_BYTES = 128 * MIB;

/** Tries all, then whether a page still comes in, and nothing went wrong that the gateway calls a bug. */
async function assertUnharmed(kind: Kind, say: (text: string) => void): Promise<Tally> {
  const tally = new Tally();
  const startMs = performance.now();
  await tryAll(kind, tally);
  say(`${((performance.now() - startMs) / 1000).toFixed(1)} s; ${tally}`);
  assert.doesNotMatch(target.child.stdout, /"event":"\w+_failed"/);
  assert.equal(target.child.stderr, '');
  const page = await enter(target.port, await tickets(target.port));
  assert.equal((await said(page))['type'], 'welcome');
  await page.close();
  return tally;
}

/** The same, and that the process has then no more than it had before. */
async function assertUntouched(kind: Kind, say: (text: string) => void): Promise<Tally> {
  if (noProbe !== false) return assertUnharmed(kind, say);
  const { descriptors, peakBytes, resetPeak, workedSeconds } = probe(target.child.pid);
  resetPeak();
  const [descriptorsBefore, bytesBefore] = [descriptors(), peakBytes()];
  const [workedBefore, ownBefore] = [workedSeconds(), process.cpuUsage()];
  const tally = await assertUnharmed(kind, say);
  const { user, system } = process.cpuUsage(ownBefore);
  const bytes = peakBytes() - bytesBefore;
  say(
    `${(workedSeconds() - workedBefore).toFixed(1)} s of work for the gateway, ` +
      `${((user + system) / 1e6).toFixed(1)} s for its clients; ` +
      `${(bytes / MIB).toFixed(1)} MiB more at the peak`,
  );
  assert.ok(bytes < MOST_BYTES, `${bytes} bytes`);
  await until('its descriptors back', () => descriptors() <= descriptorsBefore);
  return tally;
}

/** That some of each were sent: without them the other checks would have found nothing. */
function assertMixed(tally: Tally, statuses: readonly number[]): void {
  const all = tally.count(/./);
  assert.ok(tally.count(/^in /) > all / 20, `${tally}`);
  assert.ok(tally.count(/^out /) > all / 4, `${tally}`);
  assert.ok(tally.count(/^either /) < all / 10, `${tally}`);
  for (const status of statuses)
    assert.ok(tally.count(new RegExp(`^out ${status}`)) > 0, `${tally}`);
}

describe('A handshake at /ws by chance', () => {
  it('is let in when it does all of it right, and otherwise not, however it is damaged', async (t) => {
    const tally = await assertUntouched(
      {
        drafts: handshakeDrafts,
        verdictOn,
        isIn: (answer) => statusIn(answer) === '101',
        prize: /HTTP\/1\.1 101 /,
      },
      (text) => t.diagnostic(text),
    );
    assertMixed(tally, [400, 401, 403, 404, 405, 421, 426]);
  });
});

describe('A preauthentication by chance', () => {
  it('gets tickets when it does all of it right, and otherwise not, however it is damaged', async (t) => {
    const tally = await assertUntouched(
      {
        drafts: preauthDrafts,
        verdictOn: preauthVerdictOn,
        isIn: (answer) => statusIn(answer) === '200' && /csrfToken|embedToken/.test(answer),
        prize: /csrfToken|embedToken|set-cookie|HTTP\/1\.1 101 /i,
      },
      (text) => t.diagnostic(text),
    );
    assertMixed(tally, [400, 401, 403, 405, 415, 421]);
  });
});
