import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { channelRules } from '#gateway/auth/channel-rules.js';
import { parseObject } from '#gateway/auth/decode.js';
import { grantFrom } from '#gateway/auth/grant.js';
import { expectedGrant } from './grant-oracle.ts';
import type { Asked, Expected } from './grant-oracle.ts';

/** Pieces that entries, channels and claims are put together from, so that they often nearly meet. */
const pieces = `a b : : * :* { } {a} {b} {sub} {__proto__} {constructor} {toString} room rooms room:
  __proto__ ä a\u0308 😀 \ud83d \u0001 \u0085 $& null undefined ${'x'.repeat(70)}`.split(/\s+/);
const piece = fc.constantFrom(...pieces);
const text = fc.array(piece, { maxLength: 4 }).map((parts) => parts.join(''));
const anyMode = fc.constantFrom('r', 'w', 'rw');
const wrongMode = fc.constantFrom<unknown>('', 'RW', 'wr', null, 1, ['r'], { r: 1 });
const mostly = <T, U>(usual: fc.Arbitrary<T>, other: fc.Arbitrary<U>) =>
  fc.oneof({ weight: 15, arbitrary: usual }, { weight: 1, arbitrary: other });

const list = fc.array(mostly(text, fc.constantFrom(1, null)), { maxLength: 5 });
const object = fc.dictionary(text, mostly(anyMode, wrongMode), { maxKeys: 5 });
const value = fc.oneof(text, fc.constantFrom<unknown>(7, -1, 1.5, 2 ** 53, null, true, ['a'], {}));

/** Claims go through JSON, as those of a token do: only so can they have a `__proto__` of their own. */
const claims = fc
  .record(
    {
      mode: mostly(anyMode, wrongMode),
      channel: mostly(text, fc.jsonValue()),
      channels: fc.oneof(list, object, mostly(object, fc.jsonValue())),
      sub: value,
      a: value,
      b: value,
      proto: value,
    },
    { requiredKeys: [] },
  )
  .map((record) => parseObject(JSON.stringify(record).replace('"proto":', '"__proto__":')) ?? {});

/** Any name, or one that an entry nearly or exactly stands for. */
const channel = fc.oneof(
  text,
  fc.tuple(fc.constantFrom('a', 'room', 'room:', ':', ''), text).map((parts) => parts.join('')),
);
const asked: fc.Arbitrary<Asked> = fc.record({
  claims,
  path: fc.option(channel, { nil: undefined }),
  open: fc.boolean(),
  patterns: mostly(fc.constant(true), fc.constant(false)),
});

/** The grant as the oracle writes it. */
function grantOf({ claims: said, path, open, patterns }: Asked): Expected {
  const options = { pathChannel: path, openChannels: open, channelPatterns: patterns };
  const result = grantFrom(said, options);
  if ('problem' in result) return result.problem.raw;

  const { channels, readable, writable } = result.grant;
  for (const name of [...readable, ...writable]) assert.ok(channels.includes(name));
  const flag = (names: readonly string[], name: string, letter: string) =>
    names.includes(name) ? letter : '';
  return channels.map((name) => [name, flag(readable, name, 'r') + flag(writable, name, 'w')]);
}

/** How often a claim's random cases granted something: a property of refusals alone proves nothing. */
function counted(run: (count: (granted: Expected) => void) => void, atLeast: number): void {
  let grants = 0;
  run((granted) => {
    if (typeof granted !== 'string') grants += 1;
  });
  assert.ok(grants >= atLeast, `only ${grants} of the cases granted anything`);
}

describe('A grant', () => {
  it('is what an oracle makes of the same claims, whatever they are', () => {
    counted((count) => {
      const holds = fc.property(asked, (question) => {
        const granted = grantOf(question);
        assert.deepEqual(granted, expectedGrant(question));
        count(granted);
      });
      fc.assert(holds, { numRuns: 10_000 });
    }, 300);
  });

  it('is what the oracle says where the path lies near an entry', () => {
    const near = fc
      .tuple(asked, text, fc.nat({ max: 3 }), channel)
      .map(([question, stem, cutOff, rest]) => {
        const entry = `${stem}:*`;
        const path = `${stem}:${rest}`.slice(0, Math.max(1, stem.length + 3 - cutOff));
        return { ...question, claims: { ...question.claims, mode: 'rw', channels: [entry] }, path };
      });
    counted((count) => {
      const holds = fc.property(near, (question) => {
        const granted = grantOf(question);
        assert.deepEqual(granted, expectedGrant(question));
        count(granted);
      });
      fc.assert(holds, { numRuns: 5_000 });
    }, 200);
  });

  it('is never wider with a channel in the path than without, but for what patterns add', () => {
    const holds = fc.property(asked, (question) => {
      const whole = grantOf({ ...question, path: undefined });
      if (typeof whole === 'string') return;
      for (const [name, mode] of whole)
        assert.deepEqual(grantOf({ ...question, path: name }), [[name, mode]]);
    });
    fc.assert(holds, { numRuns: 5_000 });
  });

  it('is for the channel in the path and no other', () => {
    const holds = fc.property(asked, channel, (question, path) => {
      const granted = grantOf({ ...question, path });
      if (typeof granted !== 'string') assert.deepEqual(Object.keys(granted), ['0']);
      if (typeof granted !== 'string') assert.equal(granted[0]?.[0], path);
    });
    fc.assert(holds, { numRuns: 5_000 });
  });

  it('is never widened by a smaller mode beside it', () => {
    const modesUnder = { r: ['r'], w: ['w'], rw: ['r', 'w', 'rw'] } as const;
    const holds = fc.property(asked, anyMode, ({ claims: said, ...rest }, mode) => {
      const granted = grantOf({ claims: { ...said, mode }, ...rest });
      if (typeof granted === 'string') return;
      const under: readonly string[] = modesUnder[mode];
      for (const [, allowed] of granted) assert.ok(under.includes(allowed));
    });
    fc.assert(holds, { numRuns: 2_000 });
  });

  it('of one user’s template is never that of another user', () => {
    const user = text.filter((name) => name !== '');
    const holds = fc.property(user, user, channel, (one, other, rest) => {
      fc.pre(one !== other);
      const of = (sub: string, path: string) =>
        grantOf({
          claims: { mode: 'rw', channels: ['user:{sub}:*'], sub },
          path,
          open: false,
          patterns: true,
        });
      const path = `user:${one}:${rest}`;
      if (typeof of(one, path) !== 'string') assert.equal(of(other, path), 'No allowed channels');
    });
    fc.assert(holds, { numRuns: 5_000 });
  });
});

describe('What patterns cost', () => {
  it('does not grow with their number for each channel that is asked about', () => {
    const stem = (index: number) => `stem-${index}:*`;
    const channels = Array.from({ length: 100_000 }, (_, index) => stem(index));
    const rules = channelRules({ mode: 'r', channels }, true);

    // Each question compared with each pattern would be 10^10 comparisons: minutes, not a second.
    const startedMs = performance.now();
    for (let index = 0; index < 100_000; index++)
      assert.equal(rules?.modeOf(`stem-${index}:1`).read, true);
    assert.ok(performance.now() - startedMs < 20_000);
  });
});
