import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { grantFrom } from '#gateway/auth/grant.js';
import { tokenProblems } from '#gateway/auth/problems.js';
import { parseObject } from '#gateway/auth/decode.js';

type Claims = Readonly<Record<string, unknown>>;

/** The channels granted, or the text of the problem. */
function channels(claims: Claims, pathChannel?: string, openChannels = false) {
  const result = grantFrom(
    { mode: 'r', ...claims },
    { pathChannel, openChannels, channelPatterns: false },
  );
  return 'grant' in result ? result.grant.channels : result.problem.raw;
}

const nothing = tokenProblems.noChannels.raw;

describe('the mode of a grant', () => {
  const options = { pathChannel: undefined, openChannels: false, channelPatterns: true };

  for (const [mode, canRead, canWrite] of [
    ['r', true, false],
    ['w', false, true],
    ['rw', true, true],
  ] as const)
    it(`${mode} ${canRead ? 'reads' : 'does not read'}, ${canWrite ? 'writes' : 'does not write'}`, () => {
      const channels = ['chat'];
      const grant = {
        channels,
        readable: canRead ? channels : [],
        writable: canWrite ? channels : [],
      };
      assert.deepEqual(grantFrom({ mode, channel: 'chat' }, options), { grant });
    });

  for (const mode of [
    'x',
    '',
    'RW',
    'wr',
    'rr',
    ' r',
    'r\0',
    1,
    true,
    ['r'],
    ['rw'],
    { r: 1 },
    null,
  ])
    it(`cannot be ${JSON.stringify(mode)}`, () => {
      const problem = tokenProblems.missingMode;
      assert.deepEqual(grantFrom({ mode, channel: 'chat' }, options), { problem });
    });

  it('cannot come from a prototype', () => {
    const inherited: Claims = Object.create({ mode: 'rw', channel: 'chat' });
    assert.deepEqual(grantFrom(inherited, options), { problem: tokenProblems.missingMode });

    const injected = parseObject('{"__proto__":{"mode":"rw"},"channel":"chat"}') ?? {};
    assert.deepEqual(grantFrom(injected, options), { problem: tokenProblems.missingMode });
  });
});

describe('the channels of a grant', () => {
  it('are the union of channel and channels, channel first, each once', () => {
    assert.deepEqual(channels({ channel: 'a' }), ['a']);
    assert.deepEqual(channels({ channels: ['b', 'a', 'b'] }), ['b', 'a']);
    assert.deepEqual(channels({ channel: 'c', channels: ['a', 'c', 'b'] }), ['c', 'a', 'b']);
  });

  it('are narrowed to the one in the path', () => {
    assert.deepEqual(channels({ channel: 'c', channels: ['a', 'b'] }, 'b'), ['b']);
    assert.equal(channels({ channel: 'c', channels: ['a', 'b'] }, 'd'), nothing);
    assert.equal(channels({ channel: 'c' }, 'C'), nothing);
  });

  it('are exact names, whatever they look like, where patterns are off', () => {
    assert.deepEqual(channels({ channels: ['*', 'room:*', 'a b', '__proto__', '\0'] }), [
      '*',
      'room:*',
      'a b',
      '__proto__',
      '\0',
    ]);
    assert.equal(channels({ channels: ['*'] }, 'chat'), nothing);
  });

  it('are whatever the path names, when a token names none and channels are open', () => {
    assert.deepEqual(channels({}, 'chat', true), ['chat']);
    assert.equal(channels({}, 'chat', false), nothing);
    assert.equal(channels({}, undefined, true), nothing);
    assert.equal(channels({ channel: 'news' }, 'chat', true), nothing);
  });

  for (const malformed of [
    { channels: 'chat' },
    { channels: [1] },
    { channels: ['chat', 1] },
    { channels: [['chat']] },
    { channels: {} },
    { channels: { chat: 'x' } },
    { channels: { chat: 'r', news: 7 } },
    { channels: { chat: 'r', '': 'r' } },
    { channels: { chat: { mode: 'r' } } },
    { channels: [] },
    { channels: [''] },
    { channels: null },
    { channel: 5 },
    { channel: ['chat'] },
    { channel: '' },
    { channel: null },
    { channel: {}, channels: false },
  ])
    it(`are none with ${JSON.stringify(malformed)}, even when channels are open`, () => {
      assert.equal(channels(malformed, 'chat', true), nothing);
      assert.equal(channels(malformed, undefined, true), nothing);
    });

  it('are those of the one claim that is well formed', () => {
    assert.deepEqual(channels({ channel: null, channels: ['a'] }), ['a']);
    assert.deepEqual(channels({ channel: 'a', channels: 'b' }), ['a']);
  });

  it('are never the empty name, as //token has it', () => {
    assert.equal(channels({}, '', true), nothing);
    assert.equal(channels({ channel: '' }, ''), nothing);
    assert.equal(channels({ channels: ['', 'a'] }, ''), nothing);
  });

  it('do not come from a prototype', () => {
    const inherited: Claims = Object.assign(Object.create({ channel: 'chat' }), { mode: 'r' });
    const result = grantFrom(inherited, {
      pathChannel: undefined,
      openChannels: false,
      channelPatterns: true,
    });
    assert.deepEqual(result, { problem: tokenProblems.noChannels });
  });

  it('are never more than the token names, or than the path names when channels are open', () => {
    const claim = fc.oneof(fc.jsonValue(), fc.string(), fc.array(fc.constantFrom('a', 'b', '')));
    const anyClaims = fc.record({ channel: claim, channels: claim }, { requiredKeys: [] });
    const anyPath = fc.option(fc.constantFrom('a', 'b', ''), { nil: undefined });

    fc.assert(
      fc.property(anyClaims, anyPath, fc.boolean(), (claims, path, open) => {
        const granted = channels(claims, path, open);
        if (typeof granted === 'string') return;

        const isOpen = open && !('channel' in claims) && !('channels' in claims);
        const keys = Object.keys(Object(claims.channels));
        const named = isOpen ? [path] : [claims.channel, claims.channels, keys].flat(2);
        assert.ok(granted.length > 0 && !granted.includes(''));
        assert.ok(granted.every((name) => named.includes(name)));
        if (path !== undefined) assert.deepEqual(granted, [path]);
      }),
      { numRuns: 2_000 },
    );
  });
});
