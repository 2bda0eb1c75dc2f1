import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { claimsFrom } from '#gateway/cli/token/claims.js';

const iat = 1_800_000_000;

/** The claims of a call with these flags. */
function claims(flags: Readonly<Record<string, string | readonly string[]>>) {
  const all = (name: string): readonly string[] => [flags[name] ?? []].flat();
  return claimsFrom({ all, one: (name) => all(name).at(-1) }, iat);
}

describe('The claims of a token that is minted', () => {
  it('may read what it names for an hour, unless said', () => {
    assert.deepEqual(claims({ channels: 'chat' }), {
      mode: 'r',
      channels: ['chat'],
      iat,
      exp: iat + 3600,
    });
  });

  it('are those that flags ask for', () => {
    assert.deepEqual(
      claims({ channels: ['chat, room:*', 'chat'], mode: 'rw', sub: 'ada', expires: '15m' }),
      { mode: 'rw', channels: ['chat', 'room:*'], sub: 'ada', iat, exp: iat + 900 },
    );
  });

  for (const [text, seconds] of [
    ['90s', 90],
    ['2h', 7_200],
    ['7d', 604_800],
  ] as const)
    it(`last ${text}`, () => {
      assert.equal(claims({ channels: 'a', expires: text })['exp'], iat + seconds);
    });

  it('last for ever when they are told to', () => {
    assert.ok(!('exp' in claims({ channels: 'a', expires: 'never' })));
  });

  it('are whatever else is wanted, as JSON where it is some, and win', () => {
    const claim = ['n=1', 'list=["a"]', 'text=a=b', 'quoted="1"', 'exp=soon', 'empty='];
    const made = claims({ channels: 'a', claim });
    const { n, list, text, quoted, exp, empty } = made;
    assert.deepEqual(
      { n, list, text, quoted, exp, empty },
      {
        n: 1,
        list: ['a'],
        text: 'a=b',
        quoted: '1',
        exp: 'soon',
        empty: '',
      },
    );
  });

  it('need no mode beside channels that have their own', () => {
    assert.deepEqual(claims({ claim: 'channels={"news":"r"}' }), {
      channels: { news: 'r' },
      iat,
      exp: iat + 3600,
    });
  });

  for (const [what, flags, says] of [
    ['no channel', {}, /--channels/],
    ['channels without a name', { channels: ' , ' }, /--channels/],
    ['another mode', { channels: 'a', mode: 'x' }, /--mode/],
    ['another time', { channels: 'a', expires: '1 hour' }, /--expires/],
    ['a unit of Object', { channels: 'a', expires: '1toString' }, /--expires/],
    ['a claim without a value', { channels: 'a', claim: 'x' }, /--claim/],
    ['a claim without a name', { channels: 'a', claim: '=x' }, /--claim/],
  ] as const)
    it(`are refused with ${what}`, () => {
      assert.throws(() => claims(flags), { name: 'CommandError', exitCode: 2, message: says });
    });
});
