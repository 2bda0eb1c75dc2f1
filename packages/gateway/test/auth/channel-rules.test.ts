import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { channelRules } from '#gateway/auth/channel-rules.js';
import { parseObject } from '#gateway/auth/decode.js';

type Claims = Readonly<Record<string, unknown>>;

/** What may be done with a channel, as a token would spell it; `undefined`: nothing. */
function mode(claims: Claims, channel: string, patterns = true): string | undefined {
  const allowed = channelRules(claims, patterns)?.modeOf(channel);
  const spelt = `${allowed?.read === true ? 'r' : ''}${allowed?.write === true ? 'w' : ''}`;
  return spelt === '' ? undefined : spelt;
}

/** The channels of a list that an entry opens. */
function opened(entry: string, channels: readonly string[], claims: Claims = {}): string[] {
  const all = { mode: 'r', channels: [entry], ...claims };
  return channels.filter((channel) => mode(all, channel) !== undefined);
}

describe('A channel claim', () => {
  it('counts only when it is the token’s own', () => {
    const all: Claims = { mode: 'r', channel: 'a', channels: ['b'] };
    for (const [name, value] of Object.entries(all)) {
      const { [name]: _, ...rest } = all;
      const inheriting = withInherited({ [name]: value }, rest);
      const opens = ['a', 'b'].filter((channel) => mode(inheriting, channel) !== undefined);
      const expected = ['a', 'b'].filter((channel) => mode(rest, channel) !== undefined);
      assert.deepEqual(opens, expected, name);
    }
  });
});

describe('A prefix pattern', () => {
  it('opens longer names, and neither its own stem nor one that goes on otherwise', () => {
    const near = ['room:1', 'room:1:2', 'room:ä', 'room', 'room:', 'rooms:1', 'Room:1', ' room:1'];
    assert.deepEqual(opened('room:*', near), ['room:1', 'room:1:2', 'room:ä']);
    assert.deepEqual(opened('a:b:*', ['a:b:c', 'a:b', 'a:c', 'a:']), ['a:b:c']);
    assert.deepEqual(opened(':*', [':a', 'a', ':', 'a:b']), [':a']);
  });

  it('opens everything when it is * alone', () => {
    assert.deepEqual(opened('*', ['a', 'room:1', 'ä', '']), ['a', 'room:1', 'ä']);
  });

  for (const entry of [
    'room*',
    'r*:1',
    '**',
    '*:*',
    'room:**',
    '*room',
    'room:*:1',
    ' *',
    '* ',
    'a*',
  ]) {
    it(`is not ${entry}, which opens nothing`, () => {
      const near = ['room', 'room:1', 'roomy', 'r', 'a', 'ab', '*', 'r1:1', 'x:1', entry];
      assert.deepEqual(opened(entry, near), []);
    });
  }

  for (const channel of [
    'room:*',
    'room:{sub}',
    'room:a}',
    'room:\n',
    'room:\u0000',
    'room:\u009f',
  ]) {
    it(`opens no channel named ${JSON.stringify(channel)}`, () => {
      assert.deepEqual(opened('*', [channel]), []);
      assert.deepEqual(opened('room:*', [channel]), []);
    });
  }

  it('opens names of up to 200 bytes', () => {
    const longest = 'ä'.repeat(100);
    assert.deepEqual(opened('*', [longest, `${longest}x`]), [longest]);
  });
});

/** Claims of which some are a prototype's: no token makes such, and a careless merge might. */
function withInherited(inherited: Claims, claims: Claims): Claims {
  return Object.assign(Object.create(inherited), claims);
}

describe('A template', () => {
  it('is not filled from what its claims inherit', () => {
    const claims = { mode: 'r', channels: ['user:{sub}', 'team:{sub}:*'] };
    const inheriting = withInherited({ sub: 'ada' }, claims);
    assert.equal(mode({ ...claims, sub: 'ada' }, 'user:ada'), 'r');
    for (const channel of ['user:ada', 'team:ada:x', 'user:', 'user:undefined'])
      assert.equal(mode(inheriting, channel), undefined, channel);
  });

  it('is filled from the claim of that name, literally', () => {
    assert.deepEqual(opened('user:{sub}', ['user:ada', 'user:{sub}', 'user:'], { sub: 'ada' }), [
      'user:ada',
    ]);
    assert.deepEqual(opened('{org}/{sub}', ['x/ada', 'ada/x'], { sub: 'ada', org: 'x' }), [
      'x/ada',
    ]);
    assert.deepEqual(opened('user:{sub}', ['user:7'], { sub: 7 }), ['user:7']);
    assert.deepEqual(opened('$&{sub}', ['$&$&$1'], { sub: '$&$1' }), ['$&$&$1']);
  });

  it('cannot be made a pattern, or another template, by the value', () => {
    const near = ['user:1', 'user:', 'user:a:1', 'user:root', 'root'];
    for (const sub of ['*', ':*', 'a:*', '{role}', '{', '}', '}{']) {
      const claims = { sub, role: 'root' };
      assert.deepEqual(opened('user:{sub}', [...near, `user:${sub}`], claims), [`user:${sub}`]);
    }
  });

  it('fills no pattern with a value that would reach into the space of somebody else', () => {
    assert.deepEqual(opened('user:{sub}:*', ['user:ada:1', 'user:ada'], { sub: 'ada' }), [
      'user:ada:1',
    ]);
    for (const sub of ['ada:x', '*', ':', 'ada:*'])
      assert.deepEqual(
        opened('user:{sub}:*', ['user:ada:x:1', 'user:*:1', 'user:a:1'], { sub }),
        [],
      );
  });

  for (const sub of [undefined, null, '', 1.5, 2 ** 53, true, ['ada'], { sub: 'ada' }]) {
    it(`grants nothing when the claim is ${JSON.stringify(sub)}`, () => {
      const near = ['user:', `user:${String(sub)}`, 'user:ada', 'user:{sub}'];
      assert.deepEqual(opened('user:{sub}', near, { sub }), []);
      assert.deepEqual(opened('user:{sub}:*', ['user::1', `user:${String(sub)}:1`], { sub }), []);
    });
  }

  for (const entry of ['user:{', 'user:}', 'user:{sub', '{{sub}}', '{su{sub}b}', '}{', 'a{}']) {
    it(`is not ${entry}, which opens nothing`, () => {
      const near = ['user:ada', 'ada', '{ada}', 'a', 'user:{', 'user:}', entry];
      assert.deepEqual(opened(entry, near, { sub: 'ada' }), []);
    });
  }

  it('reads no prototype', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty'])
      assert.deepEqual(opened(`{${name}}`, [String(Reflect.get({}, name)), name, 'undefined']), []);
    const own = parseObject('{"mode":"r","channels":["{__proto__}"],"__proto__":"ada"}') ?? {};
    assert.equal(mode(own, 'ada'), 'r');
  });
});

describe('A mode for each channel', () => {
  const channels = { news: 'r', 'room:*': 'rw', log: 'w', 'room:1': 'r' };

  it('stands for itself when there is no other', () => {
    const of = (channel: string) => mode({ channels }, channel);
    assert.deepEqual(['news', 'room:2', 'log', 'other'].map(of), ['r', 'rw', 'w', undefined]);
  });

  it('adds up with those of other entries for the same channel', () => {
    assert.equal(mode({ channels: { 'room:1': 'r', '*': 'w' } }, 'room:1'), 'rw');
    assert.equal(mode({ mode: 'rw', channel: 'a', channels: { a: 'r' } }, 'a'), 'rw');
  });

  it('never goes beyond the mode of the token', () => {
    const of = (ceiling: string, channel: string) => mode({ mode: ceiling, channels }, channel);
    assert.deepEqual(
      [of('r', 'room:2'), of('r', 'log'), of('w', 'news')],
      ['r', undefined, undefined],
    );
    assert.equal(of('w', 'room:1'), 'w');
  });

  it('gives none to a channel beside it, where the token has none', () => {
    assert.equal(mode({ channel: 'a', channels: { b: 'r' } }, 'a'), undefined);
    assert.equal(mode({ channel: 'a', channels: { b: 'r' } }, 'b'), 'r');
  });

  it('must be one, or the token’s mode must be', () => {
    for (const claims of [
      { channels: ['a'] },
      { channel: 'a' },
      { mode: null, channels: { a: 'r' } },
    ])
      assert.equal(channelRules(claims, true), undefined);
  });

  it('may be that of a channel called __proto__', () => {
    const claims = parseObject('{"channels":{"__proto__":"r","constructor":"w"}}') ?? {};
    assert.deepEqual([mode(claims, '__proto__'), mode(claims, 'constructor')], ['r', 'w']);
    assert.equal(mode(claims, 'toString'), undefined);
  });
});

describe('Where patterns are off', () => {
  it('every entry is a name', () => {
    const claims = { mode: 'r', channels: ['*', 'room:*', 'user:{sub}'], sub: 'ada' };
    const of = (channel: string) => mode(claims, channel, false);
    assert.deepEqual(['*', 'room:*', 'user:{sub}'].map(of), ['r', 'r', 'r']);
    assert.deepEqual(['a', 'room:1', 'user:ada'].map(of), [undefined, undefined, undefined]);
  });
});

describe('Against an oracle that goes letter by letter', () => {
  const claim = fc.constantFrom('ada', 'a', '', '*', 'a:b', '{b}', ':', '7');
  const letter = fc.constantFrom(
    'a',
    'b',
    ':',
    '*',
    '{',
    '}',
    '{a}',
    '{b}',
    'room',
    'ä',
    '__proto__',
  );
  const text = fc.array(letter, { maxLength: 5 }).map((parts) => parts.join(''));
  const entries = fc.uniqueArray(text, { maxLength: 4 });
  const anyMode = fc.constantFrom('r', 'w', 'rw');

  it('a list opens what the oracle opens', () => {
    fc.assert(
      fc.property(entries, text, claim, claim, anyMode, (list, channel, a, b, said) => {
        const claims = { mode: said, channels: list, a, b };
        const isOpen = !list.includes('') && list.some((entry) => opens(entry, channel, { a, b }));
        assert.equal(mode(claims, channel), isOpen ? said : undefined);
      }),
      { numRuns: 5_000 },
    );
  });

  it('an object allows what the oracle allows, under the ceiling', () => {
    const allModes = fc.array(fc.tuple(text, anyMode), { maxLength: 4 });
    fc.assert(
      fc.property(allModes, text, claim, anyMode, (pairs, channel, a, ceiling) => {
        const channels = Object.fromEntries(pairs);
        const said = Object.entries(channels)
          .filter(([entry]) => opens(entry, channel, { a }))
          .map(([, allowed]) => allowed)
          .join('');
        const has = (flag: string) => said.includes(flag) && ceiling.includes(flag);
        const expected = `${has('r') ? 'r' : ''}${has('w') ? 'w' : ''}`;
        const isWhole = !Object.keys(channels).includes('');
        const claims = { mode: ceiling, channels, a };
        assert.equal(mode(claims, channel) ?? '', isWhole ? expected : '');
      }),
      { numRuns: 5_000 },
    );
  });

  it('one more entry never takes anything away', () => {
    fc.assert(
      fc.property(entries, text, text, claim, (list, more, channel, a) => {
        fc.pre(more !== '');
        const before = mode({ mode: 'r', channels: list, a }, channel);
        const after = mode({ mode: 'r', channels: [...list, more], a }, channel);
        if (before !== undefined) assert.equal(after, before);
      }),
      { numRuns: 2_000 },
    );
  });
});

/** Whether an entry opens a channel, written down as plainly as it can be said. */
function opens(entry: string, channel: string, claims: Readonly<Record<string, string>>): boolean {
  let literal = '';
  let isPattern = false;
  const values: string[] = [];
  for (let at = 0; at < entry.length; at++) {
    const char = entry.charAt(at);
    if (char === '}') return false;
    if (char === '*') {
      if (at !== entry.length - 1) return false;
      if (at > 0 && entry.charAt(at - 1) !== ':') return false;
      isPattern = true;
    } else if (char === '{') {
      let name = '';
      for (at++; at < entry.length && entry.charAt(at) !== '}'; at++) {
        if (entry.charAt(at) === '{') return false;
        name += entry.charAt(at);
      }
      if (at === entry.length) return false;
      const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
      if (value === undefined || value === '') return false;
      values.push(value);
      literal += value;
    } else {
      literal += char;
    }
  }
  if (!isPattern) return literal !== '' && channel === literal;

  for (const value of values) if (value.includes(':') || value.includes('*')) return false;
  for (const char of channel) if ('*{}'.includes(char)) return false;
  for (let at = 0; at < literal.length; at++)
    if (channel.charAt(at) !== literal.charAt(at)) return false;
  return channel.length > literal.length;
}
