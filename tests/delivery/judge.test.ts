import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { Outcome, Publication, Sight } from './account.ts';
import { isClean, judge } from './judge.ts';
import type { Verdict } from './judge.ts';

/** Messages of one publisher to channel `a`, the first at 0 ms, then one each millisecond. */
function published(...outcomes: readonly Outcome[]): readonly Publication[] {
  return outcomes.map((outcome, number) => ({
    publisher: 'p',
    number,
    channel: 'a',
    sentMs: number,
    outcome,
  }));
}

/** All of that. */
const always = { fromMs: 0, toMs: Infinity };

const five = published('committed', 'committed', 'committed', 'committed', 'committed');

const message = (number: number, channel = 'a', publisher = 'p'): Sight => ({
  type: 'message',
  channel,
  publisher,
  number,
});

const gap = (channel = 'a', atMs = 100): Sight => ({ type: 'gap', channel, atMs });

/** What is found of one subscriber of channels `a` and `b`, beside what is always the same. */
function found(publications: readonly Publication[], ...seen: readonly Sight[]): Partial<Verdict> {
  const account = { subscriber: 's', channels: ['a', 'b'], seen, away: [] };
  const [verdict] = judge(publications, [account], [always]);
  assert.ok(verdict !== undefined);
  const { subscriber: _name, examples: _examples, ...counts } = verdict;
  const told = Object.entries(counts).filter(([, count]) => count !== 0);
  return Object.fromEntries(told);
}

describe('The judge', () => {
  it('has nothing to say of all that came once and in order', () => {
    const seen = five.map(({ number }) => message(number));
    assert.deepEqual(found(five, ...seen), { committed: 5, received: 5 });
  });

  it('finds what is lost in silence: at the beginning, in between, at the end', () => {
    assert.deepEqual(found(five, message(1), message(3)), { committed: 5, received: 2, lost: 3 });
  });

  it('finds all of it lost where nothing came', () => {
    assert.deepEqual(found(five), { committed: 5, lost: 5 });
  });

  it('counts as covered what is missing where a gap was told', () => {
    assert.deepEqual(found(five, message(0), gap(), message(3), message(4)), {
      committed: 5,
      received: 3,
      covered: 2,
      gaps: 1,
    });
    assert.deepEqual(found(five, gap(), message(4)), {
      committed: 5,
      received: 1,
      covered: 4,
      gaps: 1,
    });
    assert.deepEqual(found(five, message(0), gap()), {
      committed: 5,
      received: 1,
      covered: 4,
      gaps: 1,
    });
  });

  it('lets a gap cover nothing before the last message that came before it', () => {
    assert.deepEqual(found(five, message(0), message(2), gap(), message(4)), {
      committed: 5,
      received: 3,
      covered: 1,
      lost: 1,
      gaps: 1,
    });
  });

  it('lets a gap cover nothing after the first message that came after it', () => {
    assert.deepEqual(found(five, message(0), gap(), message(2), message(4)), {
      committed: 5,
      received: 3,
      covered: 1,
      lost: 1,
      gaps: 1,
    });
  });

  it('lets a gap cover nothing of another channel', () => {
    assert.deepEqual(found(five, message(0), gap('b'), message(2), message(3), message(4)), {
      committed: 5,
      received: 4,
      lost: 1,
      gaps: 1,
    });
  });

  it('lets a gap cover nothing that was sent after it was told', () => {
    assert.deepEqual(found(five, message(0), gap('a', 2), message(4)), {
      committed: 5,
      received: 2,
      covered: 2,
      lost: 1,
      gaps: 1,
    });
  });

  it('lets the later of two gaps cover what the earlier one cannot', () => {
    assert.deepEqual(found(five, message(0), gap('a', 1), gap('a', 3), message(4)), {
      committed: 5,
      received: 2,
      covered: 3,
      gaps: 2,
    });
  });

  it('says how much of what was covered was sent while nothing was broken', () => {
    const account = { subscriber: 's', channels: ['a'], seen: [gap()], away: [] };
    const breaks = [
      { fromMs: 0, toMs: 1 },
      { fromMs: 3, toMs: 3 },
    ];
    const [verdict] = judge(five, [account], breaks);
    assert.deepEqual([verdict?.covered, verdict?.needless], [5, 2]);
    const away = [
      { fromMs: 2, toMs: 3 },
      { fromMs: 3.5, toMs: 4 },
    ];
    const [absent] = judge(five, [{ ...account, away }], [{ fromMs: 0, toMs: 2 }]);
    assert.deepEqual([absent?.covered, absent?.needless], [5, 1]);
    const [silent] = judge(five, [{ ...account, seen: [] }]);
    assert.deepEqual([silent?.lost, silent?.needless], [5, 0]);
  });

  it('judges publishers apart: what came of one proves nothing of another', () => {
    const others = five.map((publication) => ({ ...publication, publisher: 'q' }));
    assert.deepEqual(
      found([...five, ...others], ...[0, 1, 2, 3, 4].map((number) => message(number, 'a', 'q'))),
      { committed: 10, received: 5, lost: 5 },
    );
  });

  it('finds what came twice, after a gap too', () => {
    const seen = five.map(({ number }) => message(number));
    assert.deepEqual(found(five, ...seen, message(4), gap(), message(0)), {
      committed: 5,
      received: 5,
      doubled: 2,
      gaps: 1,
    });
  });

  it('finds what came after something newer, and no gap excuses it', () => {
    const seen = [message(0), message(2), gap(), message(1), message(3), message(4)];
    assert.deepEqual(found(five, ...seen), {
      committed: 5,
      received: 5,
      disordered: 1,
      gaps: 1,
    });
  });

  it('lets no gap cover what is missing between messages that came in disorder', () => {
    assert.deepEqual(found(five, message(0), message(3), gap(), message(1), message(4)), {
      committed: 5,
      received: 4,
      disordered: 1,
      lost: 1,
      gaps: 1,
    });
  });

  it('finds what was rolled back, never sent, or sent to another channel', () => {
    const publications = published('committed', 'rolled back');
    assert.deepEqual(found(publications, message(0), message(1), message(7), message(0, 'b')), {
      committed: 1,
      received: 1,
      foreign: 3,
    });
  });

  it('misses nothing of what was rolled back, or perhaps never committed', () => {
    const publications = published('committed', 'rolled back', 'unknown', 'committed');
    assert.deepEqual(found(publications, message(0), message(3)), { committed: 2, received: 2 });
  });

  it('takes for committed what anybody received', () => {
    const verdicts = judge(published('unknown', 'committed'), [
      { subscriber: 'one', channels: ['a'], seen: [message(0), message(1)], away: [] },
      { subscriber: 'other', channels: ['a'], seen: [message(1)], away: [] },
    ]);
    assert.deepEqual(
      verdicts.map(({ committed, lost }) => [committed, lost]),
      [
        [2, 0],
        [2, 1],
      ],
    );
    assert.deepEqual(verdicts.map(isClean), [true, false]);
    assert.deepEqual(verdicts[1]?.examples, ['lost a/p/0']);
  });

  it('asks nothing of channels that a subscriber has not', () => {
    const elsewhere = five.map((publication) => ({ ...publication, channel: 'c' }));
    assert.deepEqual(found(elsewhere), {});
  });

  it('calls nothing clean that was lost, doubled, disordered or foreign', () => {
    const clean: Verdict = {
      subscriber: 's',
      committed: 9,
      received: 5,
      covered: 4,
      needless: 4,
      doubled: 0,
      disordered: 0,
      lost: 0,
      foreign: 0,
      gaps: 1,
      examples: [],
    };
    assert.ok(isClean(clean));
    for (const column of ['doubled', 'disordered', 'lost', 'foreign'])
      assert.ok(!isClean({ ...clean, [column]: 1 }), column);
  });
});
