import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  EVERYTHING,
  isWantable,
  narrowed,
  narrowedScopes,
  scopeRules,
  scopesOf,
} from '#gateway/auth/scopes.js';
import type { Scopes } from '#gateway/auth/scopes.js';
import { parseObject } from '#gateway/auth/decode.js';
import { expectedGrant } from './grant-oracle.ts';

type Claims = Readonly<Record<string, unknown>>;

/** As a ticket hands them on: by JSON. */
function carried(scopes: Scopes): Scopes {
  return parseObject(JSON.stringify(scopes)) ?? assert.fail('no object');
}

function rulesFor(claims: Claims, { sub = 'ada', patterns = true } = {}) {
  return scopeRules(carried(scopesOf(claims)), { sub, patterns });
}

function spelt({ read, write }: { readonly read: boolean; readonly write: boolean }): string {
  return `${read ? 'r' : ''}${write ? 'w' : ''}`;
}

describe('Scopes', () => {
  it('hold what claims say of channels, and nothing else', () => {
    const channels = { mode: 'rw', channel: 'a', channels: ['b', 'c:*'] };
    const claims = { ...channels, sub: 'ada', email: 'ada@x.test', jti: '1', exp: 5 };
    assert.deepEqual(scopesOf(claims), channels);
  });

  it('hold the values of the claims that templates name, but not the user, who is named anyway', () => {
    const claims = {
      mode: 'r',
      channel: 'team:{team}',
      channels: ['user:{sub}', '{team}:{n}:*', '{sid}', '{mode}', '{gone}', '{list}'],
      sub: 'ada',
      team: 'red',
      n: 7,
      list: ['x'],
      other: 'no',
    };
    assert.deepEqual(scopesOf(claims)['with'], { team: 'red', n: 7 });
    assert.deepEqual(rulesFor(claims).names, ['team:red', 'user:ada', 'r']);
    assert.deepEqual(rulesFor(claims).prefixes, ['red:7:']);
  });

  it('keep the templates that stand in keys, of members of the object itself only', () => {
    const claims = {
      channels: { '{team}': 'r', '{toString}': 'r', '{__proto__}': 'r' },
      team: 'a',
    };
    assert.deepEqual(scopesOf(claims)['with'], { team: 'a' });
    assert.deepEqual(rulesFor(claims).names, ['a']);
  });

  it('carry a claim named __proto__ like any other', () => {
    const claims = parseObject('{"mode":"r","channel":"x:{__proto__}","__proto__":"p"}') ?? {};
    assert.deepEqual(rulesFor(claims).names, ['x:p']);
  });

  it('allow nothing without a mode, or when there is nothing of them', () => {
    for (const claims of [{}, { channel: 'a' }, { mode: 'x', channel: 'a' }, { mode: 'r' }]) {
      const rules = rulesFor(claims);
      assert.deepEqual(rules.names.map(rules.modeOf).map(spelt).join(''), '');
      assert.equal(narrowed(rules, EVERYTHING).isEmpty, true);
    }
  });

  it('fill templates with the user they are read for, whatever they carry', () => {
    const scopes = { mode: 'r', channel: 'user:{sub}', with: { sub: 'eve' } };
    assert.deepEqual(scopeRules(scopes, { sub: 'ada', patterns: true }).names, ['user:ada']);
  });

  it('take no mode and no channel from the values for templates', () => {
    const values = { mode: 'rw', channel: 'a', channels: ['b'] };
    const read = (scopes: Scopes) => scopeRules(scopes, { sub: 'ada', patterns: true });
    assert.equal(narrowed(read({ channel: 'a', with: values }), EVERYTHING).isEmpty, true);
    assert.equal(narrowed(read({ mode: 'rw', with: values }), EVERYTHING).isEmpty, true);
  });

  it('take the values of claims literally: none becomes a template or a pattern', () => {
    const claims = { mode: 'r', channels: ['user:{sub}', 'team:{team}'], secret: 's' };
    const near = ['user:s', 'user:a', 'user:ada', 'team:s', 'team:x', 'user:{secret}', 'user:*'];
    for (const value of ['{secret}', '*', '{sub}', 'a:*', '$&', '{team}']) {
      const all = narrowed(rulesFor({ ...claims, team: value }, { sub: value }), EVERYTHING);
      const opened = near.filter((channel) => all.modeOf(channel).read);
      assert.deepEqual(opened, []);
    }
  });

  it('take entries for names where patterns are off', () => {
    const claims = { mode: 'r', channels: ['room:*', 'a', '{sub}'] };
    const { entries, modeOf } = narrowed(rulesFor(claims, { patterns: false }), EVERYTHING);
    assert.deepEqual(entries, { a: 'r' });
    assert.equal(spelt(modeOf('room:1')), '');
  });
});

describe('A narrowing', () => {
  const rules = rulesFor({
    channels: { news: 'r', 'room:*': 'rw', 'log:*': 'w', 'log:a:*': 'r', user: 'rw' },
  });

  for (const [wanted, entries] of [
    [['*'], { news: 'r', user: 'rw', 'room:*': 'rw', 'log:*': 'w', 'log:a:*': 'rw' }],
    [[], {}],
    [['news'], { news: 'r' }],
    [['room:1', 'room:*'], { 'room:1': 'rw', 'room:*': 'rw' }],
    [['room:a:*'], { 'room:a:*': 'rw' }],
    [['log:a:b:*'], { 'log:a:b:*': 'rw' }],
    [['log:a', 'log:a:1'], { 'log:a': 'w', 'log:a:1': 'rw' }],
    [['room', 'rooms:1', 'roo:*', 'rooms:*', 'r*', 'new', 'news:*', 'News'], {}],
    [['user:{sub}', '{sub}', 'room:{x}', '', 'a b:*:c', 'room:**'], {}],
    [['__proto__', 'constructor', 'toString'], {}],
  ] as const)
    it(`to ${JSON.stringify(wanted)} leaves ${JSON.stringify(entries)}`, () => {
      assert.deepEqual(narrowed(rules, wanted).entries, entries);
      assert.equal(narrowed(rules, wanted).isEmpty, Object.keys(entries).length === 0);
    });

  it('of everything leaves what is asked for', () => {
    const all = rulesFor({ mode: 'rw', channel: '*' });
    const { entries } = narrowed(all, ['a', 'b:*', '__proto__']);
    assert.deepEqual(Object.entries(entries), [
      ['a', 'rw'],
      ['__proto__', 'rw'],
      ['b:*', 'rw'],
    ]);
  });

  it('shows no name and no pattern that a client cannot ask for', () => {
    const channels = [
      'user:{sub}',
      '{sub}:x',
      'a\nb',
      'n'.repeat(201),
      'team:{team}:*',
      `${'n'.repeat(199)}:*`,
      'ok',
    ];
    const odd = rulesFor({ mode: 'r', channels, team: '{x}' }, { sub: 'a*b' });
    assert.deepEqual(narrowed(odd, EVERYTHING).entries, { ok: 'r' });
  });

  it('can be carried by a ticket as scopes of their own', () => {
    const { entries } = narrowed(rules, ['room:1', 'log:*']);
    const scopes = carried(narrowedScopes(narrowed(rules, ['room:1', 'log:*'])));
    const again = narrowed(scopeRules(scopes, { sub: 'ada', patterns: true }), EVERYTHING);
    assert.deepEqual(again.entries, entries);
  });
});

describe('What a client may ask for', () => {
  it('is a name or a pattern', () => {
    for (const text of ['a', 'room:1', '*', 'room:*', 'ä', ':*', 'n'.repeat(200)])
      assert.equal(isWantable(text), true, text);
  });

  it('is no template, nothing empty, too long or unprintable, and no star elsewhere', () => {
    const long = 'n'.repeat(201);
    for (const text of ['', '{sub}', 'a{', '}', 'a*', '*a', '**', 'a:*:b', 'a\n', '\u007f', long])
      assert.equal(isWantable(text), false, text);
    assert.equal(isWantable(`${'n'.repeat(199)}:*`), false);
    assert.equal(isWantable(`${'n'.repeat(198)}:*`), true);
  });
});

/** Pieces that often nearly meet. */
const pieces = `a b : : * :* { } {a} {b} {sub} {mode} {__proto__} {constructor} room rooms room:
  __proto__ ä 😀 \u0085 $& ${'x'.repeat(70)}`.split(/\s+/);
const text = fc.array(fc.constantFrom(...pieces), { maxLength: 4 }).map((parts) => parts.join(''));
const aMode = fc.constantFrom<unknown>('r', 'w', 'rw', 'rw', 'x', undefined);
const channels = fc.oneof(fc.array(text), fc.dictionary(text, aMode), text, fc.constant(undefined));
const claims: fc.Arbitrary<Claims> = fc
  .record({
    mode: aMode,
    channel: fc.option(text, { nil: undefined }),
    channels,
    a: fc.oneof(text, fc.integer(), fc.constant(null)),
    b: text,
    sub: text.filter((value) => value !== ''),
    ['__proto__']: text,
  })
  .map((value) => parseObject(JSON.stringify(value)) ?? {});

/** Whether a name or pattern that was asked for covers a channel: by its letters, one after another. */
function covers(entry: string, channel: string): boolean {
  const letters = [...entry];
  if (letters.includes('{') || letters.includes('}')) return false;
  const isPattern = entry === '*' || (letters.at(-1) === '*' && letters.at(-2) === ':');
  const stem = isPattern ? letters.slice(0, -1) : letters;
  if (stem.includes('*')) return false;
  if (!isPattern) return entry === channel;
  const of = [...channel];
  return of.length > stem.length && stem.every((letter, index) => of[index] === letter);
}

function isNameable(channel: string): boolean {
  const isOdd = (letter: string) =>
    '*{}'.includes(letter) || letter < ' ' || (letter >= '\u007f' && letter <= '\u009f');
  return channel !== '' && Buffer.from(channel).length <= 200 && ![...channel].some(isOdd);
}

/** What the claims grant of a channel, by the words of the protocol. */
function granted(said: Claims, path: string, patterns: boolean): string {
  const expected = expectedGrant({ claims: said, path, open: false, patterns });
  return typeof expected === 'string' ? '' : (expected[0]?.[1] ?? '');
}

describe('However claims and wishes are put together', () => {
  const wishes = fc.array(fc.oneof(text, fc.constant('*')), { maxLength: 5 });
  const asked = fc.array(text, { minLength: 1, maxLength: 20 });

  it('scopes grant what the claims grant', () => {
    fc.assert(
      fc.property(claims, asked, fc.boolean(), (said, names, patterns) => {
        const rules = rulesFor(said, { sub: String(said['sub']), patterns });
        for (const name of names)
          assert.equal(spelt(rules.modeOf(name)), granted(said, name, patterns), name);
      }),
      { numRuns: 1000 },
    );
  });

  it('a narrowing leaves what is granted and wished for, and its entries say so', () => {
    fc.assert(
      fc.property(claims, wishes, asked, fc.boolean(), (said, wanted, more, patterns) => {
        const rules = rulesFor(said, { sub: String(said['sub']), patterns });
        const left = narrowed(rules, wanted);
        const again = scopeRules(carried(narrowedScopes(left)), { sub: 'eve', patterns: true });
        const near = [...rules.names, ...rules.prefixes, ...wanted, ...Object.keys(left.entries)];
        for (const name of [
          ...more,
          ...near.flatMap((one) => [one, `${one}x`, one.slice(0, -1)]),
        ]) {
          const isWanted = isNameable(name) && wanted.some((entry) => covers(entry, name));
          const expected = isWanted ? granted(said, name, patterns) : '';
          assert.equal(spelt(left.modeOf(name)), expected, name);

          const shown = Object.entries(left.entries)
            .filter(([entry]) => isNameable(name) && covers(entry, name))
            .map(([, mode]) => mode)
            .join('');
          const flags = ['r', 'w'].filter((flag) => shown.includes(flag)).join('');
          assert.equal(flags, expected, `${name} by entries`);
          if (isNameable(name)) assert.equal(spelt(again.modeOf(name)), expected, `${name} again`);
        }
        assert.equal(left.isEmpty, Object.keys(left.entries).length === 0);
      }),
      { numRuns: 1000 },
    );
  });
});
